"""Tokens come by GET or by OAuth2, and nothing else than a token is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from python_docker.errors import AccessDenied, ConnectionFailed, RegistryError
from python_docker.http.client import HttpClient
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.token_endpoint import Token, TokenEndpoint
from tests.python_docker.registry.stub_server import Answer, Asked, StubServer

ALICE = Credentials.of_user("alice", "wonderland")
SCOPES = ["repository:team/app:pull", "repository:team/base:pull,push"]
Started = Callable[[StubServer], StubServer]


def endpoint(server: StubServer, options: RegistryOptions, query: str = "") -> TokenEndpoint:
    return TokenEndpoint(f"{server.url}/token{query}", "registry", HttpClient(options), options)


def ask(found: TokenEndpoint, credentials: Credentials = ALICE) -> Token:
    return found.token(credentials, SCOPES, hide=lambda text: text)


def tokens(**fields: Any) -> Callable[[Asked], Answer]:
    import json

    return lambda asked: Answer(200, json.dumps(fields).encode())


def test_a_token_by_get(started: Started, options: RegistryOptions) -> None:
    server = started(StubServer(tokens(token="abc", expires_in=300)))
    token = ask(endpoint(server, options, "?a=b"))
    assert (token.text, token.lifetime) == ("abc", 300)
    assert token.allows == {
        ("repository:team/app", "pull"),
        ("repository:team/base", "pull"),
        ("repository:team/base", "push"),
    }
    [asked] = server.requests
    assert (asked.method, asked.query["a"], asked.query["service"]) == ("GET", "b", "registry")
    assert asked.raw_query.count("scope=") == 2
    assert asked.headers["authorization"] == ALICE.basic


def test_an_identity_token_goes_by_oauth2(started: Started, options: RegistryOptions) -> None:
    server = started(StubServer(tokens(access_token="abc")))
    token = ask(endpoint(server, options), Credentials(identity_token="idtoken"))
    [asked] = server.requests
    assert asked.method == "POST"
    assert b"refresh_token=idtoken" in asked.body
    assert "authorization" not in asked.headers
    assert token.lifetime == 60


def test_a_server_that_knows_no_get_is_asked_by_post(started: Started, options: RegistryOptions) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(405) if asked.method == "GET" else tokens(token="abc")(asked)

    server = started(StubServer(answer))
    ask(endpoint(server, options))
    assert [asked.method for asked in server.requests] == ["GET", "POST"]
    assert b"grant_type=password" in server.requests[1].body


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a b"}', b"[" * 100_000],
    ids=["1", "2", "3", "4", "5", "6"],
)
def test_an_answer_without_a_token(started: Started, options: RegistryOptions, body: bytes) -> None:
    server = started(StubServer(lambda asked: Answer(200, body)))
    with pytest.raises(RegistryError, match="answered without a token"):
        ask(endpoint(server, options))


@pytest.mark.parametrize(("told", "believed"), [(None, 60), (5, 60), ("300", 60), (3600, 3600)])
def test_lifetimes_that_can_be_believed(
    started: Started, options: RegistryOptions, told: object, believed: float
) -> None:
    token = ask(endpoint(started(StubServer(tokens(token="abc", expires_in=told))), options))
    assert token.lifetime == believed
    assert token.seconds_left(token.issued) == pytest.approx(believed * 0.9)


def test_a_refusal(started: Started, options: RegistryOptions) -> None:
    server = started(StubServer(lambda asked: Answer(401)))
    with pytest.raises(AccessDenied, match="cannot log in: the user name or the password was refused"):
        ask(endpoint(server, options))


def test_a_server_that_is_not_there(started: Started, options: RegistryOptions) -> None:
    server = StubServer(tokens(token="abc"))
    server.stop()
    with pytest.raises(ConnectionFailed, match="cannot connect"):
        ask(endpoint(server, options.with_fields(attempts=1)))


def test_a_log_shows_no_token() -> None:
    assert repr(Token("secret", frozenset(), 0, 60)) == "<Token>"
