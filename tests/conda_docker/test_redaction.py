"""Credentials leave URLs and texts, and nothing else does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.redaction import public_text, public_url, public_value

SECRET = "s3cr3t-t0ken"


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://conda.anaconda.org/conda-forge", "https://conda.anaconda.org/conda-forge"),
        ("https://user:s3cr3t-t0ken@host/channel/", "https://host/channel/"),
        ("https://s3cr3t-t0ken@host:8443/channel", "https://host:8443/channel"),
        ("https://user:p@s3cr3t-t0ken@host/channel", "https://host/channel"),
        (
            "https://conda.anaconda.org/t/s3cr3t-t0ken/team/noarch/a-1-0.conda",
            "https://conda.anaconda.org/team/noarch/a-1-0.conda",
        ),
        ("https://host/artifactory/t/s3cr3t-t0ken/team", "https://host/artifactory/team"),
        ("https://host/t/s3cr3t-t0ken", "https://host"),
        ("https://host/channel?token=s3cr3t-t0ken#md5", "https://host/channel"),
        ("s3://KEY:s3cr3t-t0ken@bucket/channel", "s3://bucket/channel"),
        ("file:///home/t/me/channel", "file:///home/t/me/channel"),
        ("conda-forge", "conda-forge"),
        ("/srv/t/me/channel", "/srv/t/me/channel"),
        ("https://[::1]:80/channel", "https://[::1]:80/channel"),
    ],
)
def test_url(url: str, public: str) -> None:
    assert public_url(url) == public


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1))
def test_no_user_information_is_left(secret: str) -> None:
    assert public_url(f"https://{secret}:{secret}@host.example/c") == "https://host.example/c"


@given(st.text())
def test_a_public_url_stays_as_it_is(text: str) -> None:
    once = public_url(text)
    assert public_url(once) == once


def test_text() -> None:
    message = f"GET https://me:{SECRET}@host/t/{SECRET}/c: 403, also 'https://host/x?sig={SECRET}' (see log)"
    assert public_text(message) == "GET https://host/c: 403, also 'https://host/x' (see log)"


def test_value() -> None:
    value = {"url": f"https://host/t/{SECRET}/c", "depends": ["a"], "deep": [{"x": f"https://{SECRET}@h/"}], "size": 3}
    assert SECRET not in json.dumps(public_value(value))
    assert public_value(value)["depends"] == ["a"]
    assert public_value(value)["size"] == 3
