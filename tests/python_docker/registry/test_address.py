"""Addresses of registries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidReference
from python_docker.registry.address import (
    RegistryAddress,
    is_inner_address,
    is_loopback,
    origin,
    public_url,
    userinfo,
)


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


def test_messages_hold_no_password() -> None:
    with pytest.raises(InvalidReference) as caught:
        RegistryAddress.parse("https://alice:s3cret@bad host/?token=t0ken")
    assert "s3cret" not in str(caught.value)
    assert "t0ken" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Example.org/a?b", ("https", "example.org", 443)),
        ("http://example.org", ("http", "example.org", 80)),
        ("http://example.org:443", ("http", "example.org", 443)),
        ("https://user@example.org:8443/", ("https", "example.org", 8443)),
        ("https://[::1]:5000/", ("https", "::1", 5000)),
    ],
)
def test_origin(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize("url", ["", "/path", "ftp://example.org", "https:///x", "https://h:99999/"])
def test_no_origin(url: str) -> None:
    with pytest.raises(ValueError):
        origin(url)


@pytest.mark.parametrize(
    ("host", "loopback", "inner"),
    [
        ("localhost", True, True),
        ("LOCALHOST:5000", True, True),
        ("127.0.0.1:5000", True, True),
        ("127.9.8.7", True, True),
        ("[::1]:5000", True, True),
        ("::1", True, True),
        ("10.0.0.1", False, True),
        ("192.168.1.1:80", False, True),
        ("169.254.169.254", False, True),
        ("[fe80::1]", False, True),
        ("[::ffff:10.0.0.1]", False, True),
        ("0.0.0.0", False, True),
        ("8.8.8.8", False, False),
        ("example.org:5000", False, False),
        ("localhost.example.org", False, False),
        ("127.0.0.1.example.org", False, False),
        ("mylocalhost", False, False),
    ],
)
def test_loopback_and_inner(host: str, loopback: bool, inner: bool) -> None:
    assert (is_loopback(host), is_inner_address(host)) == (loopback, inner)


def test_public_url() -> None:
    assert public_url("https://me:pw@cdn.example.org/blob?signature=abc#x") == "https://cdn.example.org/blob"
    assert public_url("https://[broken") == "an address that is none"
