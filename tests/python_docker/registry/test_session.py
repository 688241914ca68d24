"""The first contact with a registry, and which URLs are its own."""

from __future__ import annotations

import pytest

from python_docker.errors import NotFoundInRegistry
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.session import RegistrySession
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer


def session_of(stub: StubRegistry, options: RegistryOptions, scheme: str = "") -> RegistrySession:
    return RegistrySession(RegistryAddress.parse(scheme + stub.host), options)


@pytest.mark.parametrize(
    ("url", "own"),
    [("{url}/v2/x", True), ("http://elsewhere/v2/", False), ("http://localhost:99999/v2/", False), ("http://[", False)],
)
def test_which_urls_are_its_own(url: str, own: bool, stub: StubRegistry, options: RegistryOptions) -> None:
    assert session_of(stub, options).is_own(url.format(url=stub.url)) is own


def test_a_redirection_to_another_host_moves_nothing_but_this_request(
    stub: StubRegistry, options: RegistryOptions
) -> None:
    elsewhere = stub.url.replace("localhost", "127.0.0.1")
    stub.hook = lambda asked: (
        Answer(307, headers={"Location": f"{elsewhere}/v2/"}) if asked.headers["host"] == stub.host else None
    )
    assert session_of(stub, options).base_url == stub.url


def test_a_registry_that_does_not_serve_the_first_request(stub: StubRegistry, options: RegistryOptions) -> None:
    # Web servers say so, too, that they want TLS, which this one does not speak.
    stub.hook = lambda asked: Answer(400) if asked.path == "/v2/" else None
    assert session_of(stub, options).base_url == stub.url


def test_what_others_repeat_of_a_password_is_hidden(stub: StubRegistry, options: RegistryOptions) -> None:
    session = session_of(stub, options.with_fields(username="alice", password="opensesame"))
    session.prepare(["repository:team/app:pull"])
    assert "opensesame" not in session.hide("no access with opensesame")


def test_sessions_that_join_ask_for_the_version_once(stub: StubRegistry, options: RegistryOptions) -> None:
    first, second, third = (session_of(stub, options) for _ in range(3))
    second.join(first)
    third.join(second)
    assert {session.base_url for session in (first, second, third)} == {stub.url}
    assert len(stub.asked("GET", "/v2/")) == 1


def test_sessions_that_join_log_in_by_themselves(stub: StubRegistry, options: RegistryOptions) -> None:
    stub.hook = lambda asked: (
        None if "authorization" in asked.headers else Answer(401, headers={"WWW-Authenticate": 'Basic realm="here"'})
    )
    first, second = (session_of(stub, options.with_fields(username=name, password="secret")) for name in "ab")
    second.join(first)
    for session in (first, second):
        with pytest.raises(NotFoundInRegistry):
            session.request("GET", "/v2/team/app/manifests/1", action="look", scopes=["repository:team/app:pull"])
    sent = [asked.headers["authorization"] for asked in stub.asked("GET", "/manifests/")]
    assert len(set(sent)) == 2


def test_a_session_that_trusts_less_does_not_join(stub: StubRegistry, options: RegistryOptions) -> None:
    first, second = session_of(stub, options.with_fields(insecure=True)), session_of(stub, options)
    second.join(first)
    assert first.base_url == second.base_url
    assert len(stub.asked("GET", "/v2/")) == 2
