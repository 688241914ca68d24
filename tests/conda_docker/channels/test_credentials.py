"""Stores of credentials are read in bounded time, and what cannot be read is reported without what it holds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conda_docker.channels.configuration import CondaConfiguration
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


@pytest.mark.parametrize(
    "configuration",
    [
        CondaConfiguration(channels=("https://conda.example.org/t/tk-1/team",)),
        CondaConfiguration(default_channels=("https://conda.example.org/t/tk-1/team/",)),
        CondaConfiguration(custom_channels={"team": "https://conda.example.org/t/tk-1"}),
        CondaConfiguration(custom_multichannels={"ours": ("https://conda.example.org/t/tk-1/team",)}),
        CondaConfiguration(channel_alias="https://conda.example.org/t/tk-1/"),
    ],
    ids=lambda configuration: next(name for name in configuration.__slots__ if getattr(configuration, name)),
)
def test_a_package_is_asked_for_with_the_token_of_the_configured_channel_that_it_is_in(
    home: Path, configuration: CondaConfiguration
) -> None:
    access = Credentials(configuration).access(URL)
    assert access == Access("https://conda.example.org/t/tk-1/team/linux-64/a-1-0.conda")


def test_a_configured_channel_has_its_token_wherever_it_stands(home: Path) -> None:
    configuration = CondaConfiguration(channels=("https://conda.example.org/api/t/tk-1/team",))
    access = Credentials(configuration).access("https://conda.example.org/api/team/noarch/a-1-0.conda")
    assert access.url == "https://conda.example.org/api/t/tk-1/team/noarch/a-1-0.conda"


def test_the_password_of_a_configured_channel_is_for_packages_within_alone(home: Path) -> None:
    credentials = Credentials(CondaConfiguration(channels=("https://me:s%33cret@conda.example.org/team",)))
    assert credentials.access(URL) == Access(URL, "Basic bWU6czNjcmV0")
    for other in ("https://conda.example.org/teams/noarch/a-1-0.conda", "https://example.org/team/noarch/a-1-0.conda"):
        assert credentials.access(other) == Access(other)


def test_credentials_in_a_url_go_before_those_of_its_channel(home: Path) -> None:
    credentials = Credentials(CondaConfiguration(channels=("https://conda.example.org/t/tk-1/team",)))
    own = "https://conda.example.org/t/tk-2/team/linux-64/a-1-0.conda"
    assert credentials.access(own).url == own


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"type": "CondaToken", "token": "tk-1"}, "https://conda.example.org/t/tk-1/team"),
        (
            {"type": "BasicHTTPAuthentication", "user": "a@b", "password": "czNjcmV0"},
            "https://a%40b:s3cret@conda.example.org/team",
        ),
        ({"type": "BearerToken", "token": "tk-1"}, "https://conda.example.org/team"),
    ],
    ids=["token", "password", "bearer"],
)
def test_what_mamba_stores_is_in_the_url_of_a_channel_since_rattler_does_not_read_it(
    home: Path, stored: dict[str, str], expected: str
) -> None:
    (home / ".mamba/auth").mkdir(parents=True)
    (home / ".mamba/auth/authentication.json").write_text(json.dumps({"conda.example.org": stored}))
    assert Credentials().channel_url("https://conda.example.org/team") == expected
    assert Credentials().channel_url("file:///conda.example.org/team") == "file:///conda.example.org/team"


def test_what_rattler_stores_it_finds_itself(home: Path) -> None:
    for store in (".rattler/credentials.json", ".mamba/auth/authentication.json"):
        (home / store).parent.mkdir(parents=True)
    (home / ".rattler/credentials.json").write_text('{"conda.example.org": {"CondaToken": "tk-1"}}')
    (home / ".mamba/auth/authentication.json").write_text(
        '{"conda.example.org": {"type": "CondaToken", "token": "tk-2"}}'
    )
    assert Credentials().channel_url("https://conda.example.org/team") == "https://conda.example.org/team"
