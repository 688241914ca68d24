"""Platforms are named as pixi names them."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.pixi.platforms import read_platforms
from conda_docker.environment.inputs.pixi.toml_table import parse_toml


@pytest.mark.parametrize(
    ("entry", "name", "virtual"),
    [
        ('"linux-64"', "linux-64", {}),
        ('{ name = "linux-64" }', "linux-64", {}),
        ('{ platform = "linux-64", name = "gpu", cuda = "12" }', "gpu", {"__cuda": "12"}),
        ('{ platform = "linux-64", cuda = "12.9" }', "linux-64-cuda-12-9", {"__cuda": "12.9"}),
        (
            '{ platform = "linux-64", linux = "5.10", glibc = "2.28", cuda = "12" }',
            "linux-64-cuda-12-linux-5-10",
            {"__linux": "5.10", "__glibc": "2.28", "__cuda": "12"},
        ),
        ('{ platform = "osx-64", osx = "14.0" }', "osx-64-macos-14-0", {"__osx": "14.0"}),
        (
            '{ platform = "linux-64", archspec = "x86_64_v3" }',
            "linux-64-archspec-x86-64-v3",
            {"__archspec": "x86_64_v3"},
        ),
        (
            '{ platform = "linux-64", cuda = { driver = "12.8", arch = "8.6" }, __x = "1" }',
            "linux-64-cuda-12-8-cuda-arch-8-6-x-1",
            {"__cuda": "12.8", "__cuda_arch": "8.6", "__x": "1"},
        ),
    ],
)
def test_names(entry: str, name: str, virtual: dict[str, str]) -> None:
    (platform,) = read_platforms(parse_toml(f"platforms = [{entry}]", "pixi.toml"))
    assert (platform.name, platform.virtual) == (name, virtual)
