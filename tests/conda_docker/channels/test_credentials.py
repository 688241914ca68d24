"""Stores of credentials are read in bounded time, and what cannot be read is reported without what it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.channels.credentials import Access, Credentials
from python_docker.errors import CredentialsError

URL = "https://conda.example.org/team/linux-64/a-1-0.conda"


def test_the_user_s_netrc(home: Path) -> None:
    (home / ".netrc").write_text("machine conda.example.org login me password s3cret\n")
    access = Credentials().access(URL)
    assert access.url == URL
    assert access.authorization == "Basic bWU6czNjcmV0"


def test_a_netrc_that_is_a_pipe_is_not_waited_for(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(home / ".netrc")
    assert Credentials().access(URL).authorization is None
    assert "not a regular file" in caplog.text


@pytest.mark.parametrize("place", [".rattler/credentials.json", ".mamba/auth/authentication.json"])
def test_stores_that_are_pipes_are_not_waited_for(home: Path, place: str) -> None:
    (home / place).parent.mkdir(parents=True)
    os.mkfifo(home / place)
    with pytest.raises(CredentialsError, match="not a regular file"):
        Credentials().access(URL)


def test_a_store_that_is_too_large(home: Path) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(CredentialsError, match="larger than"):
        Credentials().access(URL)


def test_a_header_is_for_its_own_host_alone() -> None:
    access = Access("https://conda.example.org/channel", "Bearer topsecret")
    assert access.authorization_at("https://conda.example.org/elsewhere") == "Bearer topsecret"
    for other in ("https://cdn.example.org/channel", "http://conda.example.org/", "https://conda.example.org:8443/"):
        assert access.authorization_at(other) is None
