"""What is read of earlier bakes, and when the inputs of an image count as the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker import BuildOptions, Request, Target
from conda_docker.baking.since import Earlier, inputs_digest, places_digest, read_since
from conda_docker.errors import InvalidEnvironment
from conda_docker.resolution.resolve import Resolved, resolve
from python_docker.transports.location import Location
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage


@pytest.mark.parametrize(
    "value",
    [
        {"images": [{"name": "a", "digest": "sha256:1", "inputs": "sha256:2", "places": "sha256:3"}]},
        {
            "a": {
                "containerimage.digest": "sha256:1",
                "conda-docker.inputs.digest": "sha256:2",
                "conda-docker.places.digest": "sha256:3",
            }
        },
    ],
)
def test_reports_and_metadata_files(value: Any, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(json.dumps(value))
    assert read_since(tmp_path / "file.json") == {"a": Earlier("sha256:1", "sha256:2", "sha256:3")}


def test_digests_alone(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text('{"a": "sha256:1"}')
    assert read_since(tmp_path / "file.json") == {"a": Earlier("sha256:1")}


@pytest.mark.parametrize("text", ["", "[]", "3", '{"a": 1}', '{"images": [1]}', '{"images": [{}]}', "[" * 10_000])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(InvalidEnvironment, match="does not say what was built before") as caught:
        read_since(tmp_path / "file.json")
    assert "object has no attribute" not in str(caught.value)


def test_what_changes_an_image_changes_the_digest_of_its_inputs(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    request = Request(specs=["a"], channels=[synthetic_channel.url], override_channels=True, base="scratch")
    target = Target(name="a", request=request)
    resolved = resolve(request)
    digest = inputs_digest(target, resolved)
    assert digest == inputs_digest(target, resolve(request))
    same = BuildOptions(workers=3, cache_dir=tmp_path, use_cache=False, offline=True)
    assert digest == inputs_digest(with_options(target, same), resolved)
    for options in (BuildOptions(env={"A": "b"}), BuildOptions(prefix="/opt/x"), BuildOptions(trim=True)):
        assert digest != inputs_digest(with_options(target, options), resolved)
    environment = replace(resolved[0].environment, variables={"A": "b"})
    assert digest != inputs_digest(target, [Resolved(environment, None)])


def test_files_of_this_machine_have_no_such_digest(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    request = Request(specs=["a"], channels=[synthetic_channel.url], override_channels=True, base="scratch")
    target = with_options(Target(name="a", request=request), BuildOptions(add=[(tmp_path, "/srv")]))
    assert inputs_digest(target, resolve(request)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"image": "ghcr.io/org/a:2"},
        {"outputs": [Location("docker", "", "ghcr.io/other/a:1")]},
        {"outputs": [Location("oci", "out/a")]},
        {"outputs": []},
    ],
)
def test_another_name_or_place_is_another_image(changes: dict[str, Any]) -> None:
    target = Target(
        name="a",
        request=Request(specs=["a"], base="scratch"),
        image="ghcr.io/org/a:1",
        outputs=[Location("docker", "", "ghcr.io/org/a:1")],
    )
    earlier = Earlier("sha256:1", "sha256:2", places_digest(target))
    assert earlier.is_of(target, "sha256:2")
    assert earlier.may_be_of(target)
    other = replace(target, **changes)
    assert not earlier.is_of(other, "sha256:2")
    assert not earlier.may_be_of(other)


def test_a_relative_folder_is_another_one_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(name="a", request=Request(specs=["a"]), outputs=[Location("oci", "out/a")])
    before = places_digest(target)
    monkeypatch.chdir(tmp_path)
    assert places_digest(target) != before


def with_options(target: Target, options: BuildOptions) -> Target:
    return replace(target, request=replace(target.request, options=options))
