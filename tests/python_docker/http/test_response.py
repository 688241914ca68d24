"""Answers are read piece by piece, in bounded memory, and their connection is used again where that is safe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from python_docker.http.client import HttpClient
from python_docker.http.failure import Cause, HttpError
from python_docker.http.options import HttpOptions
from python_docker.http.response import MAX_ERROR_BODY, Response
from tests.python_docker.registry.stub_server import Answer, StubServer


@pytest.fixture
def server() -> Iterator[StubServer]:
    server = StubServer(lambda asked: Answer(200, b"0123456789"))
    yield server
    server.stop()


def get(server: StubServer, *, read_timeout: float = 60) -> Response:
    return HttpClient(HttpOptions(attempts=1, read_timeout=read_timeout)).send("GET", f"{server.url}/x")


def test_pieces_come_until_the_end(server: StubServer) -> None:
    with get(server) as response:
        assert response.length == 10
        assert (response.read1(4), response.read1(100), response.read1()) == (b"0123", b"456789", b"")


def test_content_is_kept(server: StubServer) -> None:
    with get(server) as response:
        assert response.content(10) == response.content(10) == b"0123456789"
    assert len(server.requests) == 1


def test_more_than_the_limit_is_refused(server: StubServer) -> None:
    with get(server) as response, pytest.raises(HttpError, match="more than 9 bytes") as caught:
        response.content(9)
    assert caught.value.cause is Cause.TOO_LONG


def test_an_answer_that_ends_too_early(server: StubServer) -> None:
    server.answer = lambda asked: Answer(200, b"012", announced=10)
    with get(server) as response, pytest.raises(HttpError) as caught:
        response.content(100)
    assert caught.value.cause in {Cause.TRUNCATED, Cause.CUT}


def test_all_headers_of_a_name(server: StubServer) -> None:
    server.answer = lambda asked: Answer(200, headers=[("Warning", "a"), ("Warning", "b")])
    with get(server) as response:
        assert response.header_values("warning") == ["a", "b"]


def test_the_body_of_a_refusal(server: StubServer) -> None:
    server.answer = lambda asked: Answer(404, b"no such thing")
    with get(server) as response:
        assert response.error_content() == b"no such thing"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"x" * (MAX_ERROR_BODY + 1)),
        Answer(416, b"x"),
        Answer(500, b"cut", announced=10),
        Answer(500, b"x" * (MAX_ERROR_BODY + 1), announced=-1),
    ],
    ids=["long", "416", "cut", "long, and not announced"],
)
def test_a_refusal_that_is_long_or_does_not_come_whole_says_nothing(server: StubServer, answer: Answer) -> None:
    server.answer = lambda asked: answer
    with get(server) as response:
        assert response.error_content() == b""


def test_a_discarded_answer_leaves_its_connection_to_the_next(server: StubServer) -> None:
    client = HttpClient(HttpOptions(attempts=1))
    client.send("GET", f"{server.url}/x").discard()
    with client.send("GET", f"{server.url}/y") as response:
        assert response.content(10) == b"0123456789"
