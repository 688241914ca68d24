"""The first contact with a registry, which several sessions may share."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from python_docker.errors import RegistryError
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.contact import Contact
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked


def contact_of(stub: StubRegistry, options: RegistryOptions) -> Contact:
    return Contact(RegistryAddress.parse(stub.host), options)


def test_nothing_is_sent_before_it_is_used(stub: StubRegistry, options: RegistryOptions) -> None:
    contact = contact_of(stub, options)
    assert stub.requests == []
    assert (contact.base_url, contact.base_url) == (stub.url, stub.url)
    assert [asked.path for asked in stub.requests] == ["/v2/"]


def test_how_it_wants_its_clients_to_log_in(stub: StubRegistry, options: RegistryOptions) -> None:
    stub.hook = lambda asked: Answer(401, headers={"WWW-Authenticate": 'Basic realm="here"'})
    assert contact_of(stub, options).challenges == ['Basic realm="here"']


def test_a_registry_that_was_down_is_asked_again(stub: StubRegistry, options: RegistryOptions) -> None:
    contact = contact_of(stub, options.with_fields(attempts=1))
    stub.hook = lambda asked: Answer(503)
    with pytest.raises(RegistryError):
        _ = contact.base_url
    stub.hook = lambda asked: None
    assert contact.base_url == stub.url


def test_who_waits_for_a_try_that_fails_does_not_try_again(stub: StubRegistry, options: RegistryOptions) -> None:
    contact = contact_of(stub, options.with_fields(attempts=1))
    inside, go_on = threading.Event(), threading.Event()

    def answer(asked: Asked) -> Answer:
        inside.set()
        go_on.wait(10)
        return Answer(503)

    stub.hook = answer
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: contact.base_url) for _ in range(4)]
        inside.wait(10)
        time.sleep(0.1)  # the others wait by now
        go_on.set()
        assert {type(each.exception(10)) for each in asked} == {RegistryError}
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({}, True),
        ({"username": "alice", "password": "secret"}, True),  # which are sent by sessions
        ({"insecure": True}, False),
        ({"ca_bundle": "/etc/certificates"}, False),
        ({"read_timeout": 1}, False),
        ({"environ": {}}, False),
    ],
)
def test_whom_it_serves(fields: Mapping[str, Any], served: bool, options: RegistryOptions) -> None:
    address = RegistryAddress.parse("registry.example.org")
    assert Contact(address, options).serves(address, options.with_fields(**fields)) is served


@pytest.mark.parametrize("other", ["http://registry.example.org", "registry.example.org/prefix", "ghcr.io"])
def test_it_serves_no_other_address(other: str, options: RegistryOptions) -> None:
    contact = Contact(RegistryAddress.parse("registry.example.org"), options)
    assert not contact.serves(RegistryAddress.parse(other), options)
