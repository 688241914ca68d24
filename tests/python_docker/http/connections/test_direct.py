"""Connections straight to a server: what is sent over them, and when they are used again."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from python_docker.http.body import Body, FilePart
from python_docker.http.connections.direct import _IDLE, Connections
from python_docker.http.connections.tls import tls_context
from python_docker.http.options import HttpOptions
from tests.python_docker.registry.certificates import self_signed
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

Started = Callable[[StubServer], StubServer]


@pytest.fixture
def connections() -> Connections:
    return Connections(HttpOptions(), None)


@pytest.fixture
def server(started: Started) -> StubServer:
    return started(StubServer(lambda asked: Answer(200, b"yes")))


def ask(connections: Connections, method: str, url: str, body: Body | None = None) -> bytes:
    answer = connections.request(method, url, {}, body)
    try:
        return answer.read1(100)
    finally:
        answer.close()


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("HEAD", None), ("DELETE", None), ("POST", "0")])
def test_a_request_without_a_body(
    connections: Connections, server: StubServer, method: str, length: str | None
) -> None:
    ask(connections, method, server.url)
    assert server.requests[0].headers.get("content-length") == length


def test_what_cannot_stand_in_a_request_is_encoded(connections: Connections, server: StubServer) -> None:
    ask(connections, "GET", f"{server.url}/a b%20|ä?q=[1]&r=%7B")
    assert (server.requests[0].path, server.requests[0].raw_query) == ("/a%20b%20%7C%C3%A4", "q=%5B1%5D&r=%7B")


def test_a_connection_that_the_server_has_closed_is_not_used_again(
    connections: Connections, server: StubServer
) -> None:
    assert ask(connections, "GET", server.url) == b"yes"
    server._connections[0].shutdown(socket.SHUT_RDWR)
    assert ask(connections, "GET", server.url) == b"yes"
    assert len(server._connections) == 2


def test_a_connection_is_not_used_again_before_its_answer_was_read(
    connections: Connections, server: StubServer
) -> None:
    connections.request("GET", server.url, {}, None).close()
    ask(connections, "GET", server.url)
    assert len(server._connections) == 2


def test_each_thread_has_a_connection_to_itself_and_some_are_kept(connections: Connections, started: Started) -> None:
    together = threading.Barrier(_IDLE + 2)

    def answer(asked: Asked) -> Answer:
        together.wait(60)
        return Answer(200, b"yes")

    server = started(StubServer(answer))
    threads = [threading.Thread(target=ask, args=[connections, "GET", server.url]) for _ in range(_IDLE + 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(len, connections._idle.values())) == _IDLE
    connections.close()
    assert connections._idle == {}


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[list[FilePart]]:
    """Two parts of a file, which are all of it."""
    content = bytes(range(256)) * 8192
    path = tmp_path / "content"
    path.write_bytes(content)
    half = len(content) // 2
    with path.open("rb") as file:
        yield [FilePart(memoryview(content)[start : start + half], file, start) for start in (0, half)]


def test_parts_of_a_file(connections: Connections, server: StubServer, parts: list[FilePart]) -> None:
    put(connections, server.url, parts)
    assert server.requests[0].body == b"".join(part.content for part in parts)


def test_parts_of_a_file_that_has_become_shorter(
    connections: Connections, server: StubServer, parts: list[FilePart], tmp_path: Path
) -> None:
    os.truncate(tmp_path / "content", len(parts[0].content) + 1000)
    put(connections, server.url, parts)
    assert server.requests[0].body == b"".join(part.content for part in parts)


def test_parts_of_a_file_over_tls(started: Started, parts: list[FilePart], tmp_path: Path) -> None:
    certified = self_signed(tmp_path)
    server = started(StubServer(lambda asked: Answer(200, b"yes"), certified.server_context()))
    options = HttpOptions(ca_bundle=str(certified.certificate))
    put(Connections(options, tls_context(options)), server.url, parts)
    assert server.requests[0].body == b"".join(part.content for part in parts)


def put(connections: Connections, url: str, parts: list[FilePart]) -> None:
    size = sum(len(part.content) for part in parts)
    answer = connections.request("PUT", url, {"Content-Length": str(size)}, Body(size, lambda: parts))
    assert answer.read1(100) == b"yes"
    answer.close()


def test_a_refusal_that_comes_before_all_is_sent(connections: Connections) -> None:
    refused = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                while not connection.recv(1 << 16).endswith(b"first"):
                    pass
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
            refused.set()

        def pieces() -> Iterator[bytes]:
            yield b"first"
            refused.wait(60)
            for _ in range(1000):
                yield bytes(1 << 16)

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        answer = connections.request("PUT", url, {"Content-Length": "65536005"}, Body(65536005, pieces))
        assert (answer.status, answer.read1(100)) == (413, b"no")
        answer.close()
        thread.join()
