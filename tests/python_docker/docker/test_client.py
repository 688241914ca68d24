"""Answers of an engine that are too long, or never end."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from python_docker.docker.client import json_messages
from python_docker.errors import EngineError
from python_docker.spec.reference import ImageReference
from tests.python_docker.docker.calling import api
from tests.python_docker.docker.fake_engine import FakeEngine


def test_an_engine_that_says_hello_without_end_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /version"] = [fake_engine.trickle]
    with pytest.raises(EngineError, match="does not answer"):
        api(fake_engine, greeting=0.5)


def endless(line: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n")
        while True:
            connection.sendall(line * 10_000)

    return send


def test_an_engine_that_says_too_much_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /version"] = [endless(b'{"ApiVersion": [')]
    with pytest.raises(EngineError, match="it answers with more than 8 MiB"):
        api(fake_engine)


def test_a_message_without_end_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.answers["POST /images/create"] = [endless(b'{"status": "')]
    with pytest.raises(EngineError, match="could not pull x:1: it answers with a message of more than 8 MiB"):
        api(fake_engine).pull(ImageReference.parse("x:1"))


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_messages_are_read_whatever_pieces_they_come_in(size: int) -> None:
    messages = [{"status": "Größe {"}, {"a": ["}", '"']}, {}]
    sent = "\r\n".join(json.dumps(message, ensure_ascii=False) for message in messages).encode()
    assert list(json_messages(sent[start : start + size] for start in range(0, len(sent), size))) == messages


@pytest.mark.parametrize("sent", [b'{"a": 1', b'{"a": 1}x', b"<html>"])
def test_what_is_no_message_is_an_error(sent: bytes) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        list(json_messages([sent]))
