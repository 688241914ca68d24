"""Manifests of one environment, and what is made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conda_docker.environment.inputs.pixi.compose import choose_platform, compose
from conda_docker.environment.inputs.pixi.manifest import parse_manifest
from conda_docker.environment.spec import EnvironmentSpec
from tests.conda_docker.environment.inputs.examples import FOLDER, example

WORKSPACE = '[workspace]\nname = "app"\nchannels = ["forge"]\nplatforms = ["linux-64", "osx-64"]\n'


def composed(
    text: str, environment: str | None = None, subdir: str = "linux-64", folder: Path = FOLDER
) -> EnvironmentSpec:
    """Return what an environment of the manifest `text` asks for."""
    manifest = parse_manifest(text, "pixi.toml", folder)
    chosen = manifest.environment(environment)
    platform, notes = choose_platform(manifest, chosen, subdir)
    spec = compose(manifest, chosen, platform)
    return replace(spec, warnings=(*notes, *spec.warnings))


def composed_example(environment: str | None = None, subdir: str = "linux-64") -> EnvironmentSpec:
    """Return what an environment of the example asks for."""
    return composed(example("pixi.toml"), environment, subdir)
