"""Connections whose clients are slow, over real sockets."""

from __future__ import annotations

import asyncio
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
from uvicorn.protocols.http.h11_impl import H11Protocol

from conda_docker.serve.configuration import Limits
from conda_docker.serve.http.connections import http_protocol
from tests.processes import LONG, wait_for

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
            connection.settimeout(LONG)
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


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[H11Protocol]:
    """Return the connections that have ended."""
    found: list[H11Protocol] = []
    lost = H11Protocol.connection_lost

    def connection_lost(self: H11Protocol, exc: Exception | None) -> None:
        found.append(self)
        lost(self, exc)

    monkeypatch.setattr(H11Protocol, "connection_lost", connection_lost)
    return found


def received(connection: socket.socket) -> int:
    """Return how many bytes come until the connection ends."""
    count = 0
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 20):
            count += len(piece)
    return count


def test_an_answer_of_two_pieces_waits_for_nothing(monkeypatch: pytest.MonkeyPatch, start: Connect) -> None:
    """The second does not wait for an acknowledgment of the first."""
    accepted: list[socket.socket] = []
    made = H11Protocol.connection_made

    def connection_made(self: H11Protocol, transport: asyncio.Transport) -> None:
        accepted.append(transport.get_extra_info("socket"))
        made(self, transport)

    monkeypatch.setattr(H11Protocol, "connection_made", connection_made)
    connection = start(Limits())()
    connection.sendall(_ASK % b"small")
    assert connection.recv(1000)
    assert accepted[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("sent", [b"", b"GET /small HTTP/1.1\r\nX-A: b", _ASK % b"small" + b"GET /sm"])
def test_a_request_that_does_not_come_ends_the_connection(start: Connect, sent: bytes) -> None:
    connection = start(Limits(stall_seconds=1))()
    connection.sendall(sent)
    received(connection)


def test_trickling_a_request_does_not_help(start: Connect) -> None:
    connection = start(Limits(stall_seconds=1))()
    with pytest.raises(ConnectionError):
        for number in range(1000):
            connection.sendall(b" " if number else b"GET")
            time.sleep(0.1)


def test_a_client_that_reads_nothing_is_left(start: Connect, ended: list[H11Protocol]) -> None:
    connection = start(Limits(stall_seconds=1))()
    connection.sendall(_ASK % b"large")
    wait_for(lambda: ended)
    assert received(connection) < len(_PIECE) * _PIECES


def test_a_client_that_reads_too_slowly_is_left(start: Connect, ended: list[H11Protocol]) -> None:
    connection = start(Limits(stall_seconds=1, bytes_per_second=10**9))()
    connection.sendall(_ASK % b"large")
    count = 0
    with suppress(ConnectionError):
        while not ended:
            count += len(connection.recv(20_000))
            time.sleep(0.03)
    assert count + received(connection) < len(_PIECE) * _PIECES


def test_a_client_that_pauses_now_and_then_gets_all(start: Connect) -> None:
    connection = start(Limits(stall_seconds=30, bytes_per_second=1000))(buffer=100_000)
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
