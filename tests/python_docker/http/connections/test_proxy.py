"""NO_PROXY, as Go's clients read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.http.connections.proxy import bypasses, proxy_for


@pytest.mark.parametrize(
    ("no_proxy", "url", "bypassed"),
    [
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3/8", "https://10.9.9.9/", True),
        ("10.0.0.0/8", "https://ten.example.org/", False),
        ("fd00::/8", "https://[fd12::1]:5000/", True),
        ("10.0.0.0/33", "https://10.1.2.3/", False),
        ("*.corp.example", "https://registry.corp.example/", True),
        ("*.corp.example", "https://a.b.corp.example/", True),
        ("*.corp.example", "https://corp.example/", False),
        ("*.corp.example", "https://evilcorp.example/", False),
        (".corp.example", "https://registry.corp.example/", True),
        (".corp.example", "https://corp.example/", False),
        ("corp.example", "https://corp.example/", True),
        ("corp.example", "https://registry.corp.example/", True),
        ("corp.example", "https://evilcorp.example/", False),
        ("CORP.example", "https://Registry.corp.EXAMPLE/", True),
        ("corp.example:5000", "https://corp.example:5000/", True),
        ("corp.example:5000", "https://corp.example/", False),
        ("corp.example:443", "https://corp.example/", True),
        ("*.corp.example:80", "http://a.corp.example/", True),
        ("192.168.1.1", "https://192.168.1.1:5000/", True),
        ("192.168.1.1:5000", "https://192.168.1.1/", False),
        ("[fd12::1]:443", "https://[fd12::1]/", True),
        ("fd12::1", "https://[fd12::1]:5000/", True),
        ("*", "https://example.org/", True),
        ("a.example, *", "https://example.org/", True),
        ("a.example,  example.org , b", "https://example.org/", True),
        ("example.org.", "https://example.org/", True),
        ("", "https://example.org/", False),
        (",,", "https://example.org/", False),
        (".", "https://example.org/", False),
        ("*.", "https://example.org/", False),
        ("*.example.*", "https://a.example.org/", False),
    ],
)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_no_proxy(no_proxy: str, url: str, bypassed: bool, name: str) -> None:
    environ = {"http_proxy": "http://proxy:3128", "https_proxy": "http://proxy:3128", name: no_proxy}
    assert proxy_for(url, environ) == (None if bypassed else "http://proxy:3128")


@given(st.text(), st.text())
def test_any_text_is_read(no_proxy: str, host: str) -> None:
    bypasses(no_proxy, host, 443)


def test_headers_of_cgi_are_not_a_proxy() -> None:
    environ = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://evil:1"}
    assert proxy_for("http://example.org/", environ) is None
    assert proxy_for("http://example.org/", environ | {"http_proxy": "proxy:1"}) == "http://proxy:1"


def test_lower_case_wins() -> None:
    assert proxy_for("https://example.org/", {"https_proxy": "lower:1", "HTTPS_PROXY": "upper:1"}) == "http://lower:1"
