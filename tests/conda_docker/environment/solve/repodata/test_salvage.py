"""A broken record in a channel's index is passed over, and indexes in which much is missing are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.solve.rattler import solve
from conda_docker.errors import ChannelError, Unsolvable
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.environment.solving import solve_request

NEWER = {"name": "a", "version": "2", "build": "0", "build_number": 0, "subdir": "linux-64", "depends": []}


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of one package for linux-64 and one for all platforms."""
    synthetic_channel.add(SyntheticPackage(name="a"), SyntheticPackage(name="n", noarch="generic"))
    return synthetic_channel


def lock(url: str, *specs: str) -> LockedEnvironment:
    return solve(solve_request(*specs, channels=[url], override_channels=True))


def edit(channel: SyntheticChannel, subdir: str, **sections: Any) -> None:
    """Change an index; None removes a section."""
    index = {**channel.repodata(subdir), **sections}
    kept = {key: value for key, value in index.items() if value is not None}
    (channel.folder / subdir / "repodata.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    "broken",
    [
        {"name": "a"},
        None,
        "text",
        {**NEWER, "version": "1..x!"},
        {**NEWER, "build_number": "x"},
        {**NEWER, "depends": None},
        {**NEWER, "md5": "zz"},
        {**NEWER, "sha256": "zz"},
        {**NEWER, "size": "many"},
        {**NEWER, "timestamp": "now"},
    ],
)
def test_a_broken_record_among_good_ones(channel: SyntheticChannel, broken: object) -> None:
    good = channel.repodata()["packages.conda"]
    edit(channel, "linux-64", **{"packages.conda": {**good, "a-2-0.conda": broken}})
    found = lock(channel.url, "a", "n")
    assert [package.stem for package in found.packages] == ["n-1.0-0", "a-1.0-0"]
    assert found.packages[1].sha256 == good["a-1.0-0.conda"]["sha256"]
    assert found.packages[1].url == f"{channel.url}/linux-64/a-1.0-0.conda"
    [warning] = found.warnings
    assert channel.url in warning
    assert "linux-64/a-2-0.conda: " in warning


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("build_number", "0"),
        ("build_number", 0.0),
        ("size", "822"),
        ("timestamp", 1_600_000_000.5),
        ("timestamp", 10**18),
        ("timestamp", -5),
        ("timestamp", "1600000000000"),
        ("version", 2),
        ("version", 2.0),
        ("noarch", "Generic"),
        ("license", ["MIT"]),
    ],
)
def test_a_record_whose_values_mean_what_others_write_otherwise(
    channel: SyntheticChannel, field: str, value: object
) -> None:
    good = channel.repodata()["packages.conda"]
    edit(channel, "linux-64", **{"packages.conda": {**good, "a-2-0.conda": {**NEWER, field: value}}})
    found = lock(channel.url, "a")
    assert [package.stem for package in found.packages] == ["a-2-0"]
    assert found.warnings == ()


def test_over_http_and_with_a_spec_that_names_the_channel(
    channel: SyntheticChannel, serve: Callable[..., ChannelServer]
) -> None:
    good = channel.repodata()["packages.conda"]
    edit(channel, "linux-64", **{"packages.conda": {**good, "a-2-0.conda": None}})
    url = f"{serve(channel.folder.parent).url}/channel"
    [package] = lock(url, f"{url}::a").packages
    assert (package.version, package.channel) == ("1.0", f"{url}/")


def test_only_a_broken_record(channel: SyntheticChannel) -> None:
    edit(channel, "linux-64", **{"packages.conda": {"a-1.0-0.conda": None}})
    with pytest.raises(Unsolvable, match=r"holds records that cannot be read.*: linux-64/a-1\.0-0\.conda") as caught:
        lock(channel.url, "a")
    assert channel.url in str(caught.value)


@pytest.mark.parametrize("sections", [{"info": {}}, {"info": None}, {"packages": None}])
def test_indexes_that_lack_something(channel: SyntheticChannel, sections: dict[str, Any]) -> None:
    edit(channel, "linux-64", **sections)
    assert len(lock(channel.url, "a", "n").packages) == 2


def test_an_index_without_packages_conda(channel: SyntheticChannel) -> None:
    edit(channel, "noarch", **{"packages": channel.repodata("noarch")["packages.conda"], "packages.conda": None})
    assert len(lock(channel.url, "n").packages) == 1


def test_noarch_alone(channel: SyntheticChannel) -> None:
    shutil.rmtree(channel.folder / "linux-64")
    assert len(lock(channel.url, "n").packages) == 1


@pytest.mark.parametrize("text", ["", "[]", "<html></html>", "{"])
def test_what_is_not_an_index_is_named_by_its_channel(channel: SyntheticChannel, text: str) -> None:
    (channel.folder / "linux-64" / "repodata.json").write_text(text)
    good = SyntheticChannel(channel.folder.parent / "good")
    good.add(SyntheticPackage(name="b"))
    with pytest.raises(ChannelError, match="is damaged or is not an index") as caught:
        solve(solve_request("a", "b", channels=[good.url, channel.url], override_channels=True))
    assert f"index at {channel.url}:" in str(caught.value)
