"""The URL of a package says where it is: in which channel, in which subdir, perhaps on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.packages.package_url import (
    channel_of_url,
    check_url,
    file_name_of,
    local_path,
    subdir_of_url,
)

URL = "https://conda.example.org/team/linux-64/numpy-2.1.0-py312_0.conda"


def test_a_file_on_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "linux-64" / "a b-1-0.conda"
    path.parent.mkdir()
    path.touch()
    assert local_path(path.as_uri()) == path
    assert local_path((tmp_path / "missing").as_uri()) is None
    assert local_path(URL) is None


def test_the_channel() -> None:
    assert channel_of_url("https://host/a/b/noarch/x-1-0.conda") == "https://host/a/b/"
    assert channel_of_url("https://host/downloads/x-1-0.conda") is None


def test_the_channel_without_credentials() -> None:
    assert channel_of_url("https://me:secret@host/t/token-1/team/noarch/x-1-0.conda") == "https://host/team/"


def test_the_subdir() -> None:
    assert subdir_of_url(URL) == "linux-64"
    assert subdir_of_url("https://host/downloads/x-1-0.conda") is None


@pytest.mark.parametrize("after", ["", "?sha=1/2", "#md5/x"])
def test_the_file_name_ends_before_a_query_or_fragment(after: str) -> None:
    assert file_name_of(f"https://host/noarch/a%2Bb-1-0.conda{after}") == "a+b-1-0.conda"


@pytest.mark.parametrize("url", ["http:///noarch/x-1-0.conda", "https://host:port/x-1-0.conda", "https://host/\ud800"])
def test_what_is_not_a_url(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL"):
        check_url(url)


def test_an_error_keeps_credentials_to_itself() -> None:
    with pytest.raises(ValueError, match="is not a URL") as caught:
        check_url("https://me:secret@host:port/x-1-0.conda")
    assert "secret" not in str(caught.value)
