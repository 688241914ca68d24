"""Many images at once: each distinct thing once, failures apart, the same digests as one by one."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conda_docker import BuildOptions, Request, Target, bake, build_image, find_targets, resolve
from conda_docker.baking.result import BakeFailed, Outcome
from conda_docker.baking.since import Earlier
from conda_docker.bounded import process
from conda_docker.errors import CacheError, InvalidTargets, Unsolvable
from conda_docker.layers.making import write
from python_docker.transports import open_image
from python_docker.transports.location import Location
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import Answer, ChannelServer
from tests.peers import Registry


def one_by_one(target: Target, cache: Path) -> str:
    """Return the digest of the image that a build of this target alone gives."""
    request = replace(target.request, options=replace(target.request.options, cache_dir=cache))
    [resolved] = resolve(request)
    return str(build_image(resolved.environment, resolved.base, request.options).image.digest)


def test_twenty_environments_take_each_package_once(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_environments(tmp_path / "modules", server.url, 20, PACKAGES)
    targets = find_targets(tmp_path / "modules", base="scratch", output=tmp_path / "out")
    written: list[str] = []
    original = write.write_layer

    def write_layer(recipe: Any, members: Any, *rest: Any, **more: Any) -> Any:
        written.extend(member.name for member in members)
        return original(recipe, members, *rest, **more)

    monkeypatch.setattr(write, "write_layer", write_layer)
    result = bake(targets, jobs=2)
    result.raise_for_failures()
    got = Counter(path for method, path in server.requests if method == "GET" and path.endswith(".conda"))
    assert set(got.values()) == {1}
    assert sorted(written) == sorted({path.rpartition("/")[2].partition("-1.0")[0] for path in got})
    assert result.packages == result.made == len(got) == len(written)
    held = sum(len(each.layers) for each in result.targets)
    assert held > 2 * result.packages
    for target in targets[::7]:
        assert one_by_one(target, tmp_path / "other") == result.digests[target.name]
        assert open_image(f"oci:{tmp_path / 'out' / target.name}").digest == result.digests[target.name]


def test_indexes_are_read_once_by_each_process(server: ChannelServer, tmp_path: Path) -> None:
    write_environments(tmp_path / "modules", server.url, 8, PACKAGES)
    bake(find_targets(tmp_path / "modules", base="scratch"), jobs=2).raise_for_failures()
    asked = Counter(path for _, path in server.requests if "repodata" in path and "linux-64" in path)
    served = Counter(path for path in asked.elements() if path not in server.unchanged)
    assert max(asked.values()) <= 2
    assert served


def test_a_failure_stops_no_other(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    good, bad = SyntheticPackage(name="good"), SyntheticPackage(name="bad")
    synthetic_channel.add(good, bad, SyntheticPackage(name="other", depends=["good"]))
    synthetic_channel.path(bad).write_bytes(b"damaged")
    targets = [
        _target("one", synthetic_channel, "good", tmp_path),
        _target("two", synthetic_channel, "bad", tmp_path),
        _target("three", synthetic_channel, "nonesuch", tmp_path),
        _target("four", synthetic_channel, "other", tmp_path),
    ]
    result = bake(targets, jobs=2)
    outcomes = [each.outcome for each in result.targets]
    assert outcomes == [Outcome.BUILT, Outcome.FAILED, Outcome.FAILED, Outcome.BUILT]
    assert isinstance(result.targets[2].error, Unsolvable)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["four", "one"]
    with pytest.raises(BakeFailed, match="2 of 4 images failed"):
        result.raise_for_failures()


def test_fail_fast_gives_up_the_rest(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="good"))
    targets = [_target(name, synthetic_channel, name, tmp_path) for name in ("nonesuch", "good")]
    result = bake(targets, jobs=1, fail_fast=True)
    assert [each.outcome for each in result.targets] == [Outcome.FAILED, Outcome.CANCELLED]
    assert not (tmp_path / "out").exists()


def test_paths_in_two_packages_are_settled_for_each_image(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    first = SyntheticPackage(name="first", files={"share/x": b"first", "lib/a": b"a"})
    second = SyntheticPackage(name="second", depends=["first"], files={"share/x": b"second"})
    synthetic_channel.add(first, second)
    targets = [
        _target("both", synthetic_channel, "second", tmp_path),
        _target("one", synthetic_channel, "first", tmp_path),
    ]
    targets.append(replace(targets[0], name="again", outputs=[Location("oci", str(tmp_path / "out" / "again"))]))
    result = bake(targets, jobs=2)
    result.raise_for_failures()
    assert result.digests["both"] == result.digests["again"] == one_by_one(targets[0], tmp_path / "other")
    assert result.digests["one"] == one_by_one(targets[1], tmp_path / "other")


@pytest.mark.parametrize("version", [platform.python_version(), "3.12.99"], ids=["compiled", "without a Python for it"])
def test_modules_are_compiled_as_in_a_build(version: str, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="python", version=version),
        *(
            SyntheticPackage(
                name=name,
                noarch="python",
                depends=["python"],
                files={f"site-packages/{name}/__init__.py": f"name = {name!r}\n".encode()},
            )
            for name in ("one", "two", "three")
        ),
    )
    targets = [_target(name, synthetic_channel, name, tmp_path) for name in ("one", "two", "three")]
    result = bake(targets, jobs=2)
    result.raise_for_failures()
    assert result.made == 4
    noted = any("not byte-compiled" in note for each in result.targets for note in each.notes)
    assert noted == (version != platform.python_version())
    for target in targets:
        assert result.digests[target.name] == one_by_one(target, tmp_path / "other")


def test_what_has_not_changed_is_left_alone(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"), SyntheticPackage(name="b"))
    targets = [_target(name, synthetic_channel, name, tmp_path) for name in "ab"]
    first = bake(targets, jobs=1)
    since = {each.name: Earlier(each.digest, each.inputs, each.places) for each in first.targets}
    synthetic_channel.add(SyntheticPackage(name="b", version="2.0"))
    second = bake(targets, jobs=1, since=since)
    assert [each.outcome for each in second.targets] == [Outcome.UNCHANGED, Outcome.BUILT]
    assert second.targets[0].digest == first.targets[0].digest
    assert second.digests["b"] != first.digests["b"]


def test_what_goes_elsewhere_is_written_there(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    target = _target("a", synthetic_channel, "a", tmp_path)
    [first] = bake([target], jobs=1).targets
    elsewhere = replace(target, outputs=[Location("oci", str(tmp_path / "elsewhere"))])
    result = bake([elsewhere], jobs=1, since={"a": Earlier(first.digest, first.inputs, first.places)})
    assert (result.targets[0].outcome, result.made) == (Outcome.BUILT, 0)
    assert open_image(f"oci:{tmp_path}/elsewhere").digest == first.digest


def test_digests_alone_tell_what_has_not_changed(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    target = _target("a", synthetic_channel, "a", tmp_path)
    digest = bake([target], jobs=1).digests["a"]
    elsewhere = replace(target, outputs=[Location("oci", str(tmp_path / "elsewhere"))])
    result = bake([elsewhere], jobs=1, since={"a": Earlier(digest)})
    assert result.targets[0].outcome is Outcome.UNCHANGED
    assert not (tmp_path / "elsewhere").exists()


def test_a_registry_is_sent_each_layer_once(
    synthetic_channel: SyntheticChannel, tmp_path: Path, registry: Registry, repository: str
) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="base", files={"x": b"x" * 5000}),
        *(SyntheticPackage(name=name, depends=["base"]) for name in ("one", "two", "three")),
    )
    targets = [
        Target(
            name=name,
            request=Request(specs=[name], channels=[synthetic_channel.url], override_channels=True, base="scratch"),
            outputs=[Location("docker", "", f"{registry.host}/{repository}/{name}:1")],
        )
        for name in ("one", "two", "three")
    ]
    result = bake(targets, jobs=2)
    result.raise_for_failures()
    shared = next(layer.digest for layer in result.targets[0].layers if layer.packages == ("base",))
    sent = [
        line
        for line in registry.log().splitlines()
        if f"{repository}/" in line and '"PUT' in line and shared[7:] in line
    ]
    assert len(sent) == 1
    for target in targets:
        assert str(open_image(str(target.outputs[0])).digest) == result.digests[target.name]


def test_places_that_two_would_be_written_to_are_refused(tmp_path: Path) -> None:
    request = Request(specs=["a"])
    place = [Location("docker", "", "registry.example.com/x:1")]
    with pytest.raises(InvalidTargets, match="one and two would both be written to"):
        bake([Target(name=name, request=request, outputs=place) for name in ("one", "two")])
    same = (
        Location("docker-archive", str(tmp_path / "a.tar")),
        Location("docker-archive", str(tmp_path / "x" / ".." / "a.tar")),
    )
    with pytest.raises(InvalidTargets, match="one and two would both be written to"):
        bake(
            [Target(name=name, request=request, outputs=[out]) for name, out in zip(("one", "two"), same, strict=True)]
        )
    with pytest.raises(InvalidTargets, match="two images are called 'one'"):
        bake([Target(name="one", request=request, source=source) for source in ("a.yml", "b.yml")])


def test_a_cache_that_cannot_be_written_is_one_error_for_all(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    (tmp_path / "file").touch()
    options = BuildOptions(cache_dir=tmp_path / "file" / "cache")
    target = _target("a", synthetic_channel, "a", tmp_path)
    result = bake([replace(target, request=replace(target.request, options=options))], jobs=1)
    assert "cache" in str(result.targets[0].error)


def test_a_disk_that_is_too_small_is_said_before_anything_is_made(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_environments(tmp_path / "modules", server.url, 3, PACKAGES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1))
    result = bake(find_targets(tmp_path / "modules", base="scratch", output=tmp_path / "out"), jobs=1)
    assert {each.outcome for each in result.targets} == {Outcome.FAILED}
    assert isinstance(result.targets[0].error, CacheError)
    assert "make room with `cache prune`" in str(result.targets[0].error)
    assert not [path for _, path in server.requests if path.endswith(".conda")]


def test_a_disk_that_is_full_ends_all_and_leaves_nothing(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_environments(tmp_path / "modules", server.url, 5, PACKAGES)
    targets = find_targets(tmp_path / "modules", base="scratch", output=tmp_path / "out")
    original, left = write.write_layer, [4]

    def write_layer(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise CacheError("the disk of the cache is full")
        return original(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(write, "write_layer", write_layer)
        result = bake(targets, jobs=2)
    assert {str(each.error) for each in result.targets if each.error} == {"the disk of the cache is full"}
    written = {path.name for path in (tmp_path / "out").glob("*")}
    assert written == {each.name for each in result.targets if each.outcome is Outcome.BUILT}
    bake(targets, jobs=2).raise_for_failures()


def test_with_little_memory_one_process_solves(server: ChannelServer, tmp_path: Path) -> None:
    write_environments(tmp_path / "modules", server.url, 6, PACKAGES)
    bake(find_targets(tmp_path / "modules", base="scratch"), jobs=3, memory=1).raise_for_failures()
    asked = Counter(path for _, path in server.requests if path.endswith("linux-64/repodata.json"))
    assert max(asked.values()) == 1


def test_a_process_that_dies_is_started_again(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_environments(tmp_path / "modules", server.url, 2, PACKAGES)
    monkeypatch.setattr(
        process,
        "_PROGRAM",
        f"import os, pathlib\np = pathlib.Path({str(tmp_path / 'died')!r})\n"
        "if not p.exists(): p.touch(); os.abort()\n" + process._PROGRAM,
    )
    bake(find_targets(tmp_path / "modules", base="scratch"), jobs=2).raise_for_failures()
    monkeypatch.setattr(process, "_PROGRAM", "import os; os.abort()")
    result = bake(find_targets(tmp_path / "modules", base="scratch"), jobs=2)
    assert all(
        "the process that solves ended without an answer (exit code -6), 2 times" in str(each.error)
        for each in result.targets
    )


def test_a_package_that_cannot_be_had_fails_the_images_that_hold_it(server: ChannelServer, tmp_path: Path) -> None:
    server.answers["pkg-000-1.0-0.conda"] = Answer(404)
    for name in ("pkg-000", "pkg-001"):
        (tmp_path / f"{name}.yml").write_text(f"channels: ['{server.url}']\ndependencies: [{name}]\n")
    result = bake(find_targets(sorted(tmp_path.glob("*.yml")), base="scratch"), jobs=1)
    needs = {each.name: each.error for each in result.targets}
    assert "pkg-000-1.0-0.conda" in str(needs["pkg-000"])


def _target(name: str, channel: SyntheticChannel, spec: str, folder: Path) -> Target:
    return Target(
        name=name,
        request=Request(specs=[spec], channels=[channel.url], override_channels=True, base="scratch"),
        outputs=[Location("oci", str(folder / "out" / name))],
    )
