"""Credentials as values."""

from __future__ import annotations

import pytest

from python_docker.registry.access.credentials import Credentials


def test_nothing_shows_in_a_repr() -> None:
    everything = Credentials("alice", "s3cret", "identity", "registry")
    assert repr(everything) == "<Credentials>"


def test_the_place_does_not_make_others_of_them() -> None:
    assert Credentials("alice", "secret", place="here") == Credentials("alice", "secret", place="there")


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (Credentials("alice", "wonder:land"), "Basic YWxpY2U6d29uZGVyOmxhbmQ="),
        (Credentials(identity_token="abc"), None),
        (Credentials(), None),
    ],
)
def test_basic(credentials: Credentials, header: str | None) -> None:
    assert credentials.basic == header
