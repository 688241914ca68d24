"""The first contact with a registry, which several sessions may share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from python_docker.errors import RegistryError
from python_docker.registry.access.address import RegistryAddress
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.contact import Contact
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer


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


class WantedLock:
    """A lock that says how many want to have it, or have it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._wanted = threading.Semaphore(0)

    def __enter__(self) -> None:
        self._wanted.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wanted_by(self, count: int) -> bool:
        """Wait until so many have wanted it."""
        return all(self._wanted.acquire(timeout=120) for _ in range(count))


def test_who_waits_for_a_try_that_fails_does_not_try_again(stub: StubRegistry, options: RegistryOptions) -> None:
    contact = contact_of(stub, options.with_fields(attempts=1))
    lock = contact._lock = WantedLock()  # type: ignore[assignment]
    stub.hook = lambda asked: Answer(503) if lock.wanted_by(4) else None
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: contact.base_url) for _ in range(4)]
        assert {type(each.exception(120)) for each in asked} == {RegistryError}
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
