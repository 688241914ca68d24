"""Who may use what, and how often."""

from __future__ import annotations

import base64
import hashlib

import pytest
from starlette.requests import Request

from conda_docker.serve.access import Rate, client_of
from conda_docker.serve.configuration import Grant, Proxy, ServerConfiguration
from conda_docker.serve.errors import Denied, TooMany, Unauthorized
from conda_docker.serve.names import parse_name

_CI = Grant(name="ci", token_sha256=hashlib.sha256(b"opensesame").hexdigest(), channels=("inner",))
_ALICE = Grant(name="analysts", user="analyst", environments=("shared-*",))


def request_with(address: str = "10.0.0.1", **headers: str | list[str]) -> Request:
    """Return a request with headers; one with a list of values comes that often."""
    values = {name: [value] if isinstance(value, str) else value for name, value in headers.items()}
    raw = [(name.replace("_", "-").lower().encode(), each.encode()) for name in values for each in values[name]]
    return Request({"type": "http", "headers": raw, "client": (address, 1)})


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_without_any_entry_everybody_may_use_everything() -> None:
    client = client_of(request_with(), ServerConfiguration(channels=("a", "b")))
    assert client.channels == ("a", "b")
    assert client.may_use("anything")


@pytest.mark.parametrize("authorization", [basic("anybody", "opensesame"), "Bearer opensesame"])
def test_a_token(authorization: str) -> None:
    configuration = ServerConfiguration(channels=("inner", "outer"), access=(_CI,))
    assert client_of(request_with(authorization=authorization), configuration).channels == ("inner",)


@pytest.mark.parametrize("authorization", [basic("ci", "wrong"), "Bearer ", "Basic ???", basic("opensesame", "")])
def test_a_wrong_token_is_refused_even_where_anybody_may_come(authorization: str) -> None:
    configuration = ServerConfiguration(access=(_CI,), anonymous=Grant())
    with pytest.raises(Unauthorized):
        client_of(request_with(authorization=authorization), configuration)


def test_without_a_token() -> None:
    with pytest.raises(Unauthorized, match="docker login"):
        client_of(request_with(), ServerConfiguration(access=(_CI,)))


def test_a_proxy_names_users() -> None:
    configuration = ServerConfiguration(access=(_ALICE,), proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    assert client_of(request_with("10.0.0.2", x_user="analyst"), configuration).grant is _ALICE
    with pytest.raises(Unauthorized):  # it did not come through the proxy
        client_of(request_with("10.0.0.1", x_user="analyst"), configuration)
    with pytest.raises(Unauthorized):
        client_of(request_with("10.0.0.2", x_user="somebody"), configuration)


def test_clients_behind_a_proxy_are_told_apart_by_what_it_saw() -> None:
    configuration = ServerConfiguration(proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    seen = client_of(request_with("10.0.0.2", x_forwarded_for="6.6.6.6, 192.0.2.7"), configuration)
    assert seen.name == "address 192.0.2.7"
    assert client_of(request_with("10.0.0.1", x_forwarded_for="192.0.2.7"), configuration).name == "address 10.0.0.1"


def test_users_by_patterns() -> None:
    staff = Grant(name="staff", user="*@example.org")
    configuration = ServerConfiguration(access=(staff,), proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    assert client_of(request_with("10.0.0.2", x_user="a@example.org"), configuration).name == "user a@example.org"
    with pytest.raises(Unauthorized):
        client_of(request_with("10.0.0.2", x_user="a@example.org.evil"), configuration)


def test_a_header_of_the_proxys_that_a_client_sent_too_is_refused() -> None:
    configuration = ServerConfiguration(access=(_ALICE,), proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    with pytest.raises(Unauthorized, match="more than once"):
        client_of(request_with("10.0.0.2", x_user=["analyst", "somebody"]), configuration)


def test_a_proxy_may_add_an_address_in_a_header_of_its_own() -> None:
    configuration = ServerConfiguration(proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    seen = client_of(request_with("10.0.0.2", x_forwarded_for=["6.6.6.6", "192.0.2.7"]), configuration)
    assert seen.name == "address 192.0.2.7"


def test_environments_by_patterns() -> None:
    configuration = ServerConfiguration(access=(_ALICE,), proxy=Proxy(user_header="X-User", addresses=("10.0.0.2",)))
    client = client_of(request_with("10.0.0.2", x_user="analyst"), configuration)
    assert client.asks(parse_name("env/shared-1")).environment == "shared-1"
    with pytest.raises(Denied):
        client.asks(parse_name("env/secret"))


def test_a_rate() -> None:
    rate = Rate(2, "pulls")
    rate.take("a", 0)
    rate.take("a", 0)
    with pytest.raises(TooMany, match="2 pulls a minute; wait 30 s") as error:
        rate.take("a", 0)
    assert error.value.retry_after == 30
    rate.take("b", 0)
    rate.take("a", 31)
