"""Heads of answers are bounded in bytes and in time, and one that is cut short is noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected
from typing import NamedTuple

import pytest

from python_docker.http.connections import heads
from python_docker.http.connections.direct import Connections
from python_docker.http.connections.heads import MAX_HEAD, BadLength, OnlyHttp2
from python_docker.http.options import HttpOptions


class Asked(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: dict[str, str]
    data: bytes


Ask = Callable[..., Asked]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Return a function that asks a server which sends the given bytes, and then closes or waits."""
    over = threading.Event()
    threads = []

    def ask_for(sent: bytes, *, wait: bool = False, timeout: float = 60, method: str = "GET") -> Asked:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener, suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(sent)
                    if wait:
                        over.wait()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        connections = Connections(HttpOptions(read_timeout=timeout), None)
        answer = connections.request(method, f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, None)
        with closing(answer):
            data = b"".join(iter(lambda: answer.read1(1 << 20), b""))
        return Asked(answer.status, answer.headers, data)

    yield ask_for
    over.set()
    for thread in threads:
        thread.join()


def test_an_answer(ask: Ask) -> None:
    answer = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert (answer.status, answer.data) == (200, b"hi")


def test_what_comes_before_the_answer_is_passed_over(ask: Ask) -> None:
    answer = ask(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n")
    assert (answer.status, dict(answer.headers)) == (204, {})


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", b""],
    ids=["within a header", "before the end of the head", "at once"],
)
def test_a_head_that_is_cut_short(ask: Ask, sent: bytes) -> None:
    with pytest.raises(RemoteDisconnected):
        ask(sent)


def test_a_head_without_end(ask: Ask) -> None:
    with pytest.raises(HTTPException, match=r"bytes|lines"):
        ask(b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_HEAD // 20))


@pytest.mark.parametrize("length", [b"2\r\nContent-Length: 3", b"two", b"-1", b"9" * 40])
def test_a_length_that_is_not_one_number(ask: Ask, length: bytes) -> None:
    with pytest.raises(BadLength, match="Content-Length"):
        ask(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhi")


def test_a_head_that_begins_and_does_not_go_on(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_HEAD_SECONDS", 0.1)
    with pytest.raises(TimeoutError, match="too long"):
        ask(b"HTTP/1.1 200 OK\r\n", wait=True)


def test_chunks_with_trailers(ask: Ask) -> None:
    answer = ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n")
    assert answer.data == b"hi"


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"0\r\n\r\n", b""),
        (b"2;a=b\r\nhi\r\n000\r\n\r\n", b"hi"),
        (b"A\r\n0123456789\r\n1 \r\nx\r\n0\r\n\r\n", b"0123456789x"),
    ],
)
def test_chunks(ask: Ask, body: bytes, data: bytes) -> None:
    assert ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body).data == data


@pytest.mark.parametrize(
    "body",
    [
        b"-5\r\nhi",
        b"0x2\r\nhi\r\n0\r\n\r\n",
        b"f" * 20 + b"\r\nhi",
        b"\r\n",
        b"2\r\nhi!!0\r\n\r\n",
        b"5\r\nhi",
        b"2\r\nhi\r\n",
    ],
)
def test_chunks_that_are_not_what_they_say(ask: Ask, body: bytes) -> None:
    with pytest.raises((IncompleteRead, RemoteDisconnected)):
        ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


@pytest.mark.parametrize("header", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_an_answer_to_head_has_no_body(ask: Ask, header: bytes) -> None:
    assert ask(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n", method="HEAD", wait=True).data == b""


def test_a_body_that_is_cut_short(ask: Ask) -> None:
    with pytest.raises(IncompleteRead):
        ask(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", OnlyHttp2),
        (b"\0\0\x00\x04\0\0\0\0\0", OnlyHttp2),
        (b"\0\0\x12\x04", BadStatusLine),
        (b"SSH-2.0-OpenSSH", BadStatusLine),
        (b"\x15\x03\x01", BadStatusLine),
        (b"HTTP/", TimeoutError),
    ],
)
def test_what_is_no_answer_is_not_read_to_the_end_of_a_line(ask: Ask, sent: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(sent, wait=True, timeout=2 if error is TimeoutError else 60)
