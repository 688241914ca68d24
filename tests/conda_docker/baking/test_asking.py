"""What channels and registries are asked while images are made side by side: nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker import bake, find_targets
from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.baking.result import BakeResult
from conda_docker.build_options import BuildOptions, Bytecode
from python_docker.errors import NotFound
from python_docker.spec.platform import Platform
from python_docker.transports import open_image
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


@pytest.fixture
def pushed(
    server: ChannelServer, registry: Registry, repository: str, tmp_path: Path
) -> Callable[[str, str], BakeResult]:
    """Return a function that bakes three environments on a machine, with a layer repository, and pushes the images."""
    write_environments(tmp_path / "modules", server.url, 3, PACKAGES)
    layers = [LayerRepository(f"{registry.host}/{repository}/layers")]

    def run(machine: str, images: str) -> BakeResult:
        targets = find_targets(
            tmp_path / "modules",
            base="scratch",
            image=f"{registry.host}/{repository}/{images}/{{name}}",
            push=True,
            options=BuildOptions(
                cache_dir=tmp_path / machine,
                cache_from=() if machine == "first" else layers,
                cache_to=layers if machine == "first" else (),
                bytecode=Bytecode.NEVER,
            ),
        )
        result = bake(targets, jobs=2)
        result.raise_for_failures()
        return result

    return run


def packages_asked_for(server: ChannelServer) -> list[str]:
    return [path for _, path in server.requests if path.endswith((".conda", ".tar.bz2"))]


def test_a_bare_machine_asks_once_for_each_layer_and_image(
    pushed: Callable[[str, str], BakeResult], server: ChannelServer, registry: Registry, repository: str
) -> None:
    first = pushed("first", "first")
    server.requests.clear()
    since = len(registry.requests())
    assert pushed("second", "second").digests == first.digests
    assert packages_asked_for(server) == []
    asked = registry.requests(since=since)
    assert [each.path for each in asked if each.method == "GET" and "/blobs/sha256" in each.path] == []
    of_layers = Counter(
        (path.partition("/blobs/")[0], digest)
        for each in asked
        if f"from={repository.replace('/', '%2F')}" in each.path or f"from={repository}" in each.path
        for path, _, digest in [each.path.partition("mount=")]
    )
    assert len(of_layers) > 3
    assert set(of_layers.values()) == {1}
    assert not any(each.method == "HEAD" and f"/{repository}/layers/" in each.path for each in asked)


def test_a_layer_that_a_repository_has_lost_is_made_once_for_all(
    pushed: Callable[[str, str], BakeResult],
    server: ChannelServer,
    registry: Registry,
    repository: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = pushed("first", "first")
    shared = Counter(
        layer.digest
        for target in first.targets
        for layer in open_image(f"docker://{registry.host}/{repository}/first/{target.name}").layers
    )
    digest, holders = shared.most_common(1)[0]
    assert holders > 1
    [content] = registry.storage.rglob(f"blobs/sha256/*/{digest.encoded}/data")
    content.unlink()
    server.requests.clear()
    assert pushed("second", "second").digests == first.digests
    assert len(packages_asked_for(server)) == 1
    assert caplog.text.count("so it is made again") == 1


def test_a_base_that_is_not_there_is_named_for_each(
    server: ChannelServer, registry: Registry, repository: str, tmp_path: Path
) -> None:
    write_environments(tmp_path / "modules", server.url, 2, PACKAGES)
    result = bake(find_targets(tmp_path / "modules", base=f"{registry.host}/{repository}:none"), jobs=2)
    for each in result.targets:
        assert isinstance(each.error, NotFound)
        assert f"{repository}:none" in str(each.error)
