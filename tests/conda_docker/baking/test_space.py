"""Bakes in little space: what the cache grows by is watched while they run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conda_docker import BuildOptions, Target, bake, find_targets
from conda_docker.errors import CacheError
from python_docker.transports import open_image
from python_docker.validation import validate
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.peers import Registry


class Watched:
    """The most bytes that archives and layers of a cache have taken."""

    most = 0


@contextmanager
def watched(cache: Path) -> Iterator[Watched]:
    """Look at a cache again and again for as long as the block runs."""
    found, ended = Watched(), threading.Event()

    def look() -> None:
        while not ended.wait(0.002):
            found.most = max(found.most, size_of(cache))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield found
    finally:
        ended.set()
        watching.join()


def size_of(cache: Path) -> int:
    """Return the bytes that archives and layers take."""
    total = 0
    for path in (*cache.glob("packages/*"), *cache.glob("blobs/sha256/*"), *cache.glob("blobs/.*")):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # which is what is tested
            continue
    return total


@pytest.fixture
def modules(server: ChannelServer, tmp_path: Path) -> Path:
    """Return a folder of twelve environments that share packages."""
    write_environments(tmp_path / "modules", server.url, 12, PACKAGES)
    return tmp_path / "modules"


def made(targets: list[Target], tmp_path: Path) -> dict[str, str]:
    """Return the digests that come out with no bounds."""
    return bake(targets, jobs=1).digests


def test_layers_for_a_registry_are_made_once_and_go(
    modules: Path, server: ChannelServer, tmp_path: Path, registry: Registry, repository: str
) -> None:
    free = bake(find_targets(modules, base="scratch", options=BuildOptions(cache_dir=tmp_path / "free")), jobs=2)
    whole = size_of(tmp_path / "free")
    server.requests.clear()
    limit = whole // 3
    targets = find_targets(
        modules,
        base="scratch",
        image=f"{registry.host}/{repository}/{{name}}:{{tag}}",
        push=True,
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    with watched(tmp_path / "cache") as found:
        result = bake(targets, jobs=2, disk=limit)
    result.raise_for_failures()
    assert result.digests == free.digests
    assert limit // 3 < found.most <= limit
    got = Counter(path for method, path in server.requests if method == "GET" and path.endswith(".conda"))
    assert set(got.values()) == {1}
    assert size_of(tmp_path / "cache") < limit // 10
    for target in targets:
        assert not validate(open_image(str(target.outputs[0]))).problems


def test_layouts_get_all_layers_though_some_are_made_again(modules: Path, tmp_path: Path) -> None:
    free = bake(find_targets(modules, base="scratch", options=BuildOptions(cache_dir=tmp_path / "free")), jobs=2)
    largest = max(sum(layer.size for layer in each.layers) for each in free.targets)
    limit = largest * 3
    assert limit < size_of(tmp_path / "free")
    targets = find_targets(
        modules, base="scratch", output=tmp_path / "out", options=BuildOptions(cache_dir=tmp_path / "cache")
    )
    with watched(tmp_path / "cache") as found:
        result = bake(targets, jobs=2, disk=limit)
    result.raise_for_failures()
    assert result.digests == free.digests
    assert found.most <= limit
    for target in targets:
        assert not validate(open_image(str(target.outputs[0]))).problems


def test_what_was_there_before_stays(modules: Path, server: ChannelServer, tmp_path: Path) -> None:
    options = BuildOptions(cache_dir=tmp_path / "cache")
    first = find_targets(modules / "tool000", base="scratch", options=options)
    bake(first, jobs=1).raise_for_failures()
    before = {path for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    bake(find_targets(modules, base="scratch", options=options), jobs=1, disk=2_000_000).raise_for_failures()
    assert before <= {path for path in (tmp_path / "cache").rglob("*") if path.is_file()}


def test_an_image_that_cannot_be_had_in_so_little_says_so(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    import random

    chance = random.Random(0)
    synthetic_channel.add(
        SyntheticPackage(name="large", files={"x": chance.randbytes(300_000)}),
        SyntheticPackage(name="small", files={"x": chance.randbytes(1_000)}),
    )
    for name in ("large", "small"):
        (tmp_path / f"{name}.yml").write_text(f"channels: ['{synthetic_channel.url}']\ndependencies: [{name}]\n")
    targets = find_targets(
        sorted(tmp_path.glob("*.yml")),
        base="scratch",
        output=tmp_path / "out",
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    result = bake(targets, jobs=1, disk=100_000)
    large, small = result.targets
    assert isinstance(large.error, CacheError)
    assert "--disk allows 100.0 kB, and the layers of the image take about" in str(large.error)
    assert small.error is None
    assert not (tmp_path / "out" / "large").exists()
