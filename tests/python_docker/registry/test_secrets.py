"""User names, passwords, tokens and signed addresses: never in an error, a log, a repr or a traceback."""

from __future__ import annotations

import base64
import functools
import json
import logging
import traceback
from collections.abc import Callable, Iterator

import pytest

from python_docker.errors import Error
from python_docker.registry import Registry, RegistryOptions
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked

USER, PASSWORD, TOKEN, IDENTITY, SIGNATURE = "alice-the-user", "s3cret-w0rd", "t0ken.of.hers", "id3ntity", "signatur3"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (USER, PASSWORD, TOKEN, IDENTITY, SIGNATURE, BASIC)


def show(error: BaseException) -> str:
    """All that Python would print of an error, with what led to it."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], None]]:
    """Return a function that fails when the log holds a secret."""

    def check() -> None:
        assert caplog.records, "nothing was logged at all"
        for secret in SECRETS:
            assert secret not in caplog.text

    with caplog.at_level(logging.DEBUG):
        yield check


def echo(asked: Asked) -> bytes:
    """A refusal that repeats everything that was sent to it."""
    sent = f"user {USER} with {PASSWORD}: {asked.headers} {asked.raw_query} {asked.body[:500]!r}"
    return json.dumps({"errors": [{"code": "DENIED", "message": sent[:200] + sent}]}).encode()


def bearer(stub: StubRegistry) -> Answer:
    return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{stub.url}/token?{SIGNATURE}=1",service="s"'})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500])
@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_registry_that_repeats_what_it_was_sent(
    stub: StubRegistry, options: RegistryOptions, told: Callable[[], None], status: int, scheme: str
) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path == "/token":
            return Answer(200, json.dumps({"token": TOKEN}).encode())
        if "authorization" not in asked.headers:
            return bearer(stub) if scheme == "bearer" else Answer(401, headers={"WWW-Authenticate": "Basic realm=x"})
        known = TOKEN if scheme == "bearer" else PASSWORD
        return Answer(status, echo(asked), {"Warning": f'299 - "hello {USER}, {known}"'})

    stub.hook = answer
    ours = Registry(stub.url, USER, PASSWORD, options=options)
    for work in (ours.pull_image, ours.get_manifest_digest, ours.list_image_tags, ours.delete_image):
        with pytest.raises(Error) as caught:
            work("team/app")
        for secret in SECRETS:
            assert secret not in show(caught.value)
    with pytest.raises(Error) as caught:
        ours.push_image(small_image("team/app"))
    for secret in SECRETS:
        assert secret not in show(caught.value)
    told()


@pytest.mark.parametrize("status", [400, 401, 403, 500])
@pytest.mark.parametrize("identity", [False, True])
def test_token_server_that_repeats_what_it_was_sent(
    stub: StubRegistry, options: RegistryOptions, told: Callable[[], None], status: int, identity: bool
) -> None:
    stub.hook = lambda asked: Answer(status, echo(asked)) if asked.path == "/token" else bearer(stub)
    login = ("<token>", IDENTITY) if identity else (USER, PASSWORD)
    options = options.with_fields(environ={"DOCKER_AUTH_CONFIG": "{}"})
    with pytest.raises(Error) as caught:
        Registry(stub.url, *login, options=options).pull_image("team/app")
    shown = show(caught.value)
    # Of a user whom nobody named, the server may say what it likes.
    for secret in (IDENTITY, SIGNATURE) if identity else SECRETS:
        assert secret not in shown
    if not identity:
        told()


def _redirect(answer: Answer, signed: Answer, asked: Asked) -> Answer | None:
    return answer if asked.path == "/signed" else signed if "/blobs/" in asked.path else None


def test_signed_addresses(stub: StubRegistry, options: RegistryOptions, told: Callable[[], None]) -> None:
    """Of downloads, whatever happens there, and of uploads."""
    ours = Registry(stub.url, USER, PASSWORD, options=options)
    image = small_image("team/app")
    ours.push_image(image)
    for answer in (
        Answer(403, b"<Error>" + SIGNATURE.encode() + b"</Error>"),
        Answer(302, headers={"Location": f"/signed?{SIGNATURE}"}),
        Answer(raw=b""),
        Answer(raw=b"HTTP/1.1 200"),
        Answer(200, b"x", announced=100),
        Answer(200, b"wrong"),
    ):
        signed = Answer(307, headers={"Location": f"{stub.url}/signed?{SIGNATURE}"})
        stub.hook = functools.partial(_redirect, answer, signed)
        with pytest.raises(Error) as caught:
            ours.pull_image("team/app", "v1")
        assert SIGNATURE not in show(caught.value)
    stub.hook = lambda asked: Answer(500) if asked.method == "PUT" else None
    stub.place = f"/v2/{{path}}/blobs/uploads/{{id}}?{SIGNATURE}"
    with pytest.raises(Error) as caught:
        ours.push_image(small_image("team/app", seed=5))
    assert SIGNATURE not in show(caught.value)
    told()


def test_reprs(options: RegistryOptions) -> None:
    own = options.with_fields(username=USER, password=PASSWORD)
    ours = Registry(f"https://{USER}:{PASSWORD}@registry.example.org")
    for shown in (repr(own), str(own), repr(ours), repr(Registry("https://h", USER, PASSWORD)), repr(ours._client)):
        for secret in SECRETS:
            assert secret not in shown


def test_words_that_hold_a_name_stay_whole(stub: StubRegistry, options: RegistryOptions) -> None:
    """A user's name may be any word."""
    stub.hook = lambda asked: Answer(400, b'{"errors":[{"code":"X","message":"an apple for a"}]}')
    with pytest.raises(Error, match=r"an apple for \*\*\*"):
        Registry(stub.url, "a", "pear", options=options).pull_image("team/app")
