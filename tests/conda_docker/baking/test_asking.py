"""What channels and registries are asked while images are made side by side: nothing twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conda_docker import bake, find_targets
from python_docker.errors import NotFound
from python_docker.spec.platform import Platform
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.registry_base import asked_for, push_base
from tests.peers import Registry


@pytest.fixture
def base(registry: Registry, repository: str) -> str:
    """Return the name of an image in a registry."""
    return push_base(registry, repository, [Platform()])


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_base_is_read_once_for_all(
    jobs: int, server: ChannelServer, registry: Registry, base: str, tmp_path: Path
) -> None:
    write_environments(tmp_path / "modules", server.url, 6, PACKAGES)
    since = len(registry.requests())
    bake(find_targets(tmp_path / "modules", base=base, output=tmp_path / "out"), jobs=jobs).raise_for_failures()
    found = asked_for(registry, since)
    assert set(found.values()) == {1}
    assert len(found) == 5  # what the tag means, the config, three layers


def test_a_second_bake_asks_only_what_the_tag_means(
    server: ChannelServer, registry: Registry, base: str, tmp_path: Path
) -> None:
    write_environments(tmp_path / "modules", server.url, 3, PACKAGES)
    targets = find_targets(tmp_path / "modules", base=base, output=tmp_path / "out")
    first = bake(targets, jobs=3)
    since = len(registry.requests())
    second = bake(targets, jobs=3)
    assert asked_for(registry, since) == {"v1": 1}
    assert second.digests == first.digests


def test_an_index_is_downloaded_once_for_all_processes(server: ChannelServer, tmp_path: Path) -> None:
    write_environments(tmp_path / "modules", server.url, 6, PACKAGES)
    bake(find_targets(tmp_path / "modules", base="scratch"), jobs=3).raise_for_failures()
    paths = Counter(path for method, path in server.requests if method == "GET" and path.endswith("/repodata.json"))
    downloaded = paths - Counter(server.unchanged)
    assert set(downloaded.values()) == {1}


def test_a_base_that_is_not_there_is_named_for_each(
    server: ChannelServer, registry: Registry, repository: str, tmp_path: Path
) -> None:
    write_environments(tmp_path / "modules", server.url, 2, PACKAGES)
    result = bake(find_targets(tmp_path / "modules", base=f"{registry.host}/{repository}:none"), jobs=2)
    for each in result.targets:
        assert isinstance(each.error, NotFound)
        assert f"{repository}:none" in str(each.error)
