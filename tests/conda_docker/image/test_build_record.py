"""The history of an image says how its layers were made."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.image.assemble import build_image
from conda_docker.image.build_record import BuildRecord
from conda_docker.layers.recipe import Recipe
from conda_docker.provenance.reading import read_environments
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

OTHERS: dict[str, Any] = {
    "layer_format": 4,
    "environment_format": 7,
    "bytecode": "3.13.1t",
    "compression": "zstd",
    "level": 3,
    "trim": True,
    "exclude": ("*.md",),
    "place": "/usr/conda",
    "activate": "env",
    "user": "1000:7",
    "user_name": "app",
    "home": "/srv",
    "frozen": True,
    "extracted": True,
    "link_scripts_network": True,
    "activated": {"variables": {"A": "1"}, "kept": ["A"]},
}


@pytest.mark.parametrize("name", [field.name for field in fields(BuildRecord)])
def test_every_field_survives(name: str) -> None:
    record = BuildRecord(**{name: OTHERS[name]})
    assert record != BuildRecord()
    assert BuildRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize("value", [None, {}, [], {"layerFormat": 5}, BuildRecord().to_json() | {"compression": "x"}])
def test_anything_else_is_no_record(value: object) -> None:
    assert BuildRecord.from_json(value) is None


def test_no_field_of_a_recipe_is_left_out() -> None:
    recipe = Recipe("/opt/x", "3.12", None, "3.12.1", trim=True, exclude=("a",), place="/srv/x")
    record = BuildRecord.of(recipe, BuildOptions())
    assert record.recipe("/opt/x", "3.12.1", recipe.site_packages) == recipe


def test_an_image_says_how_it_was_made(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"a": b"1"})
    synthetic_channel.add(package)
    environment = LockedEnvironment("linux-64", (synthetic_channel.locked(package),))
    options = BuildOptions(cache_dir=tmp_path / "cache", trim=True, user="1000", exclude=("*.md",))
    [found] = read_environments(build_image(environment, None, options).image)
    record = BuildRecord.from_json(found.build)
    assert record is not None
    assert (record.trim, record.exclude, record.user, record.user_name) == (True, ("*.md",), "1000:1000", "app")
