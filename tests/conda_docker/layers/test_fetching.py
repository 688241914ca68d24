"""Packages and wheels are got in one stream, whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.cache.folder import CacheFolder
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import DownloadError
from conda_docker.layers.fetching import fetching
from conda_docker.layers.member import Member
from python_docker.errors import Error
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel


def test_packages_and_wheels_come_with_their_files(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    package = SyntheticPackage(name="tool")
    synthetic_channel.add(package)
    wheel = LockedWheel(name="demo", version="1.0", url=make_wheel(tmp_path, "demo").as_uri())
    cache = CacheFolder(tmp_path / "cache")
    members: list[Member] = [synthetic_channel.locked(package), wheel]
    found = {member.name: place for member, place in fetching(BuildOptions(), cache)(members)}
    assert found.keys() == {"tool", "demo"}
    assert all(isinstance(place, Path) and place.is_file() for place in found.values())


def test_who_wants_to_hear_of_failures_gets_the_others(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    there, missing = SyntheticPackage(name="there"), SyntheticPackage(name="missing")
    synthetic_channel.add(there, missing)
    members = [synthetic_channel.locked(package) for package in (there, missing)]
    for archive in synthetic_channel.folder.rglob("missing-*"):
        archive.unlink()
    cache = CacheFolder(tmp_path / "cache")
    with pytest.raises(DownloadError):
        list(fetching(BuildOptions(), cache)(members))
    failed: list[tuple[Member, Error]] = []
    got = list(fetching(BuildOptions(), cache, failed=lambda *failure: failed.append(failure))(members))
    assert [member.name for member, _ in got] == ["there"]
    assert [(member.name, type(error)) for member, error in failed] == [("missing", DownloadError)]
