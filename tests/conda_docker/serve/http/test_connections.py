"""Connections whose clients are slow, over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from conda_docker.serve.configuration import Limits
from conda_docker.serve.http.connections import http_protocol

_PIECE, _PIECES = b"x" * 65536, 320  # 20 MB, more than the system holds for a connection
_ASK = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"

Connect = Callable[[Limits], Callable[..., socket.socket]]


async def small(request: Request) -> Response:
    return PlainTextResponse("small")


async def large(request: Request) -> Response:
    async def pieces() -> object:
        for _ in range(_PIECES):
            yield _PIECE

    return StreamingResponse(pieces())  # type: ignore[arg-type]


@pytest.fixture
def start() -> Iterator[Connect]:
    """Return a function that starts a server with some limits, and returns one that connects to it."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []
    opened: list[socket.socket] = []

    def begin(limits: Limits) -> Callable[..., socket.socket]:
        listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        app = Starlette(routes=[Route("/small", small), Route("/large", large)])
        settings = uvicorn.Config(
            app, http=http_protocol(limits), log_level="critical", limit_concurrency=limits.connections + 1
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        running.append((server, thread))

        def connect(buffer: int = 4096) -> socket.socket:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            connection.settimeout(20)
            connection.connect(listening.getsockname())
            opened.append(connection)
            return connection

        return connect

    yield begin
    for connection in opened:
        connection.close()
    for server, thread in running:
        server.should_exit = True
        thread.join(120)


def received(connection: socket.socket) -> int:
    """Return how many bytes come until the connection ends."""
    count = 0
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            count += len(piece)
    return count


def test_an_answer_of_two_pieces_waits_for_nothing(start: Connect) -> None:
    connection = start(Limits())()
    taken = []
    for _ in range(60):
        begun = time.monotonic()
        connection.sendall(_ASK % b"small")
        answer = b""
        while not answer.endswith(b"small"):
            answer += connection.recv(1000)
        taken.append(time.monotonic() - begun)
    assert sorted(taken)[15] < 0.03  # 0.04 when the second piece waits for an acknowledgment of the first


@pytest.mark.parametrize("sent", [b"", b"GET /small HTTP/1.1\r\nX-A: b", _ASK % b"small" + b"GET /sm"])
def test_a_request_that_does_not_come_ends_the_connection(start: Connect, sent: bytes) -> None:
    connection = start(Limits(stall_seconds=1))()
    connection.sendall(sent)
    begun = time.monotonic()
    received(connection)
    assert time.monotonic() - begun < 10


def test_trickling_a_request_does_not_help(start: Connect) -> None:
    connection = start(Limits(stall_seconds=1))()
    with pytest.raises(ConnectionError):
        for number in range(100):
            connection.sendall(b" " if number else b"GET")
            time.sleep(0.1)


def test_a_client_that_reads_nothing_is_left(start: Connect) -> None:
    connection = start(Limits(stall_seconds=1))()
    connection.sendall(_ASK % b"large")
    time.sleep(3)
    assert received(connection) < len(_PIECE) * _PIECES


def test_a_client_that_reads_too_slowly_is_left(start: Connect) -> None:
    connection = start(Limits(stall_seconds=1, bytes_per_second=10**9))()
    connection.sendall(_ASK % b"large")
    count = 0
    with suppress(ConnectionError):
        for _ in range(100):
            count += len(connection.recv(20_000))
            time.sleep(0.03)
    assert count + received(connection) < len(_PIECE) * _PIECES


def test_a_client_that_pauses_now_and_then_gets_all(start: Connect) -> None:
    connection = start(Limits(stall_seconds=2, bytes_per_second=1000))(buffer=100_000)
    connection.sendall((_ASK % b"large").replace(b"Host", b"Connection: close\r\nHost"))
    count = 0
    for _ in range(6):
        count += len(connection.recv(100_000))
        time.sleep(0.4)
    assert count + received(connection) >= len(_PIECE) * _PIECES


def test_connections_without_a_request_keep_nobody_out(start: Connect) -> None:
    connect = start(Limits(stall_seconds=20, connections=5))
    idle = [connect() for _ in range(20)]
    asking = connect()
    asking.sendall(_ASK % b"small")
    assert asking.recv(1000).startswith(b"HTTP/1.1 200")
    assert received(idle[0]) == 0
