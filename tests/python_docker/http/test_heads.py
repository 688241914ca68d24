"""Heads of answers are bounded in bytes and in time, and one that is cut short is noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import urllib3

from python_docker.http import heads
from python_docker.http.heads import MAX_HEAD, bound_heads

Ask = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Return a function that asks a server which sends the given bytes, and then closes or waits."""
    over = threading.Event()
    threads = []

    def ask_for(sent: bytes, *, wait: bool = False, timeout: float = 5) -> urllib3.BaseHTTPResponse:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with listener, suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(sent)
                    if wait:
                        over.wait(10)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        manager = bound_heads(urllib3.PoolManager(retries=False, timeout=timeout))
        return manager.request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", preload_content=True)

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
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask(sent)


def test_a_head_without_end(ask: Ask) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError, match=r"bytes|lines"):
        ask(b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_HEAD // 20))


@pytest.mark.parametrize("length", [b"2\r\nContent-Length: 3", b"two", b"-1", b"9" * 40])
def test_a_length_that_is_not_one_number(ask: Ask, length: bytes) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Content-Length"):
        ask(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhi")


def test_a_head_that_begins_and_does_not_go_on(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_HEAD_SECONDS", 0.1)
    with pytest.raises(urllib3.exceptions.HTTPError, match=r"[Tt]imed out|too long"):
        ask(b"HTTP/1.1 200 OK\r\n", wait=True)


def test_chunks_with_trailers(ask: Ask) -> None:
    answer: Any = ask(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n")
    assert answer.data == b"hi"
