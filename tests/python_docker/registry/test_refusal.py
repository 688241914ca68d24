"""What a registry says when it does not do what was asked becomes one error, for the person who asked."""

from __future__ import annotations

import json

import pytest

from python_docker.errors import AccessDenied, NotFoundInRegistry, RegistryError, TooManyRequests
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.refusal import Refusal, is_pull_limit, refusal_error
from tests.python_docker.http.answers import MemoryAnswer

ALICE = Credentials.of_user("alice", "wonderland")


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        MemoryAnswer(status, body, named.items()),
        "https://registry.example.org/v2/",
        OPTIONS,
    )


OPTIONS = HttpOptions()


def errors(*pairs: tuple[str, str]) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message} for code, message in pairs]}).encode()


def test_codes_and_words_are_read_each_once() -> None:
    body = errors(("denied", "no"), ("DENIED", "no"), ("not a code!", "never"))
    assert Refusal.of(answer(403, body)) == Refusal(("DENIED",), "no; never")


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"  <!doctype html>"])
def test_a_web_page_is_named_and_not_shown(body: bytes) -> None:
    assert Refusal.of(answer(502, body)).text == "it sent a web page, as a proxy or a login page does"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"plain\n\x1b[31mwords", "plain [31mwords"),
        (b"x" * 1000, "x" * 300 + "..."),
        (b'{"errors": 1}', '{"errors": 1}'),
        (b"", ""),
    ],
)
def test_other_words_are_one_printable_line(body: bytes, text: str) -> None:
    assert Refusal.of(answer(500, body)).text == text


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, NotFoundInRegistry, "not found (HTTP 404, NAME_UNKNOWN, no such name)"),
        (403, AccessDenied, "access is denied (HTTP 403, NAME_UNKNOWN, no such name); log in with `docker login`"),
        (413, RegistryError, "what was sent is too large for it"),
        (418, RegistryError, "it refuses (HTTP 418"),
        (503, RegistryError, "it is not available at the moment"),
        (302, RegistryError, "its answer makes no sense"),
    ],
)
def test_each_status_has_its_words(status: int, kind: type[RegistryError], words: str) -> None:
    error = refusal_error(answer(status, errors(("NAME_UNKNOWN", "no such name"))), "read x")
    assert type(error) is kind
    assert str(error).startswith("registry.example.org: cannot read x: ")
    assert words in str(error)
    assert (error.status, error.codes) == (status, ("NAME_UNKNOWN",))


def test_secrets_are_hidden() -> None:
    error = refusal_error(answer(500, b"token s3cret"), "x", hide=lambda text: text.replace("s3cret", "***"))
    assert "token ***" in str(error)


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        (ALICE, "cannot log in: the user name or the password was refused"),
        (Credentials(registry_token="abc"), "cannot log in: the token was refused"),
    ],
)
def test_credentials_that_were_refused(credentials: Credentials, words: str) -> None:
    assert words in str(refusal_error(answer(401), "x", credentials=credentials))


def test_a_login_is_advised_where_it_would_count() -> None:
    found = Credentials.of_user("alice", "wonderland", "~/.docker/config.json")
    assert "docker login" in str(refusal_error(answer(401), "x", credentials=found))
    assert str(refusal_error(answer(401), "x", credentials=ALICE)).endswith("; check them")


def test_credentials_that_may_not_do_it_are_not_called_wrong() -> None:
    assert "access is denied" in str(refusal_error(answer(403), "x", credentials=ALICE))


def test_docker_hub_does_not_say_whether_a_repository_is_there() -> None:
    assert "the repository does not exist, or access to it is denied" in str(
        refusal_error(answer(401), "x", docker_hub=True)
    )


def test_a_rate_limit() -> None:
    error = refusal_error(answer(429, Retry_After="7"), "x", docker_hub=True)
    assert isinstance(error, TooManyRequests)
    assert error.retry_after == 7
    assert "it asks to wait 7 seconds; Docker Hub allows more pulls to those who log in" in str(error)


@pytest.mark.parametrize(
    ("response", "is_one"),
    [
        (answer(429, RateLimit_Remaining="0;w=21600"), True),
        (answer(429, errors(("TOOMANYREQUESTS", "You have reached your pull rate limit."))), True),
        (answer(429, RateLimit_Remaining="5;w=21600"), False),
    ],
)
def test_the_limit_of_pulls_lasts_for_hours(response: Response, is_one: bool) -> None:
    assert is_pull_limit(response) == is_one
