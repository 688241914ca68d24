"""Requests that names stand for, and what images are made by."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import ServerConfiguration
from conda_docker.serve.errors import NameUnknown, NoSuchName
from conda_docker.serve.making.catalogue import Catalogue
from conda_docker.serve.making.requests import Requests, settings_of
from conda_docker.serve.names import parse_name


@pytest.fixture
def requests(configuration: ServerConfiguration, cache: CacheFolder) -> Iterator[Requests]:
    """Return the requests of a server with a small channel."""
    made = Requests(configuration, cache, Catalogue(cache, "settings"))
    yield made
    made.close()


def test_a_channel_in_a_name_is_one_of_those_that_may_be_used(
    requests: Requests, configuration: ServerConfiguration
) -> None:
    asked = parse_name("channel--tool-3.12").for_channels(configuration.channels)
    assert list(requests.asked(asked).specs) == [f"{configuration.channels[0]}::tool=3.12"]
    with pytest.raises(NoSuchName, match="not a channel of this server"):
        requests.asked(parse_name("elsewhere--tool").for_channels(configuration.channels))


def test_nothing_of_the_users_configuration_is_asked(requests: Requests, configuration: ServerConfiguration) -> None:
    request = requests.asked(parse_name("tool", "2026-01-31").for_channels(configuration.channels))
    assert request.override_channels
    assert tuple(request.channels) == configuration.channels
    assert request.policy.exclude_newer is not None


def test_environments_and_locks_that_are_not_here(requests: Requests) -> None:
    for name in ("env/none", "lock/" + "0" * 64):
        with pytest.raises(NameUnknown):
            requests.asked(parse_name(name))


def test_what_a_killed_server_left_is_removed(
    configuration: ServerConfiguration, cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    left = temporary / ".conda-docker-serve.partial-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "a.lock").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    first, second = (Requests(configuration, cache, Catalogue(cache, "settings")) for _ in range(2))
    assert len([*temporary.iterdir()]) == 2
    assert not left.exists()
    first.close()
    second.close()
    assert [*temporary.iterdir()] == []


def test_settings_that_make_other_images(configuration: ServerConfiguration) -> None:
    same = [replace(configuration, redirect=True), replace(configuration, channels=("a",))]
    others = [replace(configuration, base="debian"), replace(configuration, build={"trim": True})]
    others.append(replace(configuration, environments=Path("envs")))
    assert {settings_of(each) for each in same} == {settings_of(configuration)}
    assert len({settings_of(each) for each in (configuration, *others)}) == 4
