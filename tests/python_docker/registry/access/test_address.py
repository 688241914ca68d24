"""Addresses of registries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidReference
from python_docker.registry.access.address import RegistryAddress, userinfo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://registry-1.docker.io", RegistryAddress("https", "registry-1.docker.io")),
        ("https://registry-1.docker.io/", RegistryAddress("https", "registry-1.docker.io")),
        ("docker.io", RegistryAddress(None, "registry-1.docker.io")),
        ("https://index.docker.io/v1/", RegistryAddress("https", "registry-1.docker.io")),
        ("http://localhost:5000", RegistryAddress("http", "localhost:5000")),
        ("localhost:5000", RegistryAddress(None, "localhost:5000")),
        ("Example.ORG", RegistryAddress(None, "example.org")),
        ("[::1]:5000", RegistryAddress(None, "[::1]:5000")),
        ("https://example.org/artifactory/docker", RegistryAddress("https", "example.org", "/artifactory/docker")),
        ("https://example.org/v2/", RegistryAddress("https", "example.org")),
        ("https://alice:secret@example.org", RegistryAddress("https", "example.org")),
    ],
)
def test_parse(text: str, expected: RegistryAddress) -> None:
    assert RegistryAddress.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "ftp://example.org",
        "a b",
        "example.org:port",
        "https://h?x",
        "https://h#x",
        "[::1",
        "h:123456",
        "-x",
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(InvalidReference):
        RegistryAddress.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://alice:s3cret@bad host/?token=s3cret",
        "alice/s3cret@example.org",
        "https://alice:s3cret/more@example.org",
        "https://alice:12/s3cret@example.org",
        "https://alice:s3cret?x@example.org",
        "https://alice:s3cret#x@example.org/",
        "ftp://alice:s3cret@example.org",
        "https://alice:s3cret@[broken",
    ],
)
def test_messages_hold_no_password(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        RegistryAddress.parse(text)
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=60))
def test_anything_is_an_address_or_refused(text: str) -> None:
    try:
        address = RegistryAddress.parse(text)
    except InvalidReference:
        return
    assert RegistryAddress.parse(address.url()).host == address.host


def test_domain_of_docker_hub() -> None:
    assert RegistryAddress.parse("https://registry-1.docker.io").domain == "docker.io"
    assert RegistryAddress.parse("example.org:443").domain == "example.org:443"


def test_userinfo() -> None:
    assert userinfo("https://alice:p%40ss:word@example.org") == ("alice", "p@ss:word")
    assert userinfo("https://example.org") is None
