"""URLs: origins, hosts, and what of them may be shown."""

from __future__ import annotations

import pytest

from python_docker.http.failure import Cause, HttpError
from python_docker.http.url import check_url, host_of, is_inner_address, is_loopback, origin, public_url


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
    assert public_url("https://[broken") == "https://[broken"
    assert public_url("https://cdn.example.org/blob?mail=a@s3cret") == "https://cdn.example.org/blob"
    assert public_url("https://example.org/\x1b[31m") == "https://example.org/?[31m"


@pytest.mark.parametrize(
    "url",
    [
        "https://me:s3cret@example.org/a",
        "https://me:s3cret/more@example.org/a",
        "https://me:s3cret?more@example.org/a",
        "https://me:s3cret#more@example.org/a",
        "https://me:s3cret@[broken",
        "me/s3cret@example.org",
        "//me:s3cret@example.org",
        "https://s3cret@me@example.org",
        "https://example.org/?s3cret",
    ],
)
def test_passwords_are_not_shown_whatever_the_form(url: str) -> None:
    assert "s3cret" not in public_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "http://[::1",
        "http://h:99999/",
        "http://a b/",
        "http://h/a\nb",
    ],
)
def test_what_cannot_be_requested(url: str) -> None:
    with pytest.raises(HttpError) as caught:
        check_url(url)
    assert caught.value.cause is Cause.ADDRESS


def test_spaces_in_paths_can_be_requested() -> None:
    assert check_url("http://example.org/my channel/a?b c#d") == "http://example.org/my channel/a?b c"


def test_host_of() -> None:
    assert host_of("https://me:pw@Example.org:5000/a") == "example.org:5000"
    assert host_of("http://[::1") == "the server"
