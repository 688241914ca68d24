"""Where a pixi environment takes packages for pip from."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.pixi.compose import choose_platform
from conda_docker.environment.inputs.pixi.manifest import parse_manifest
from conda_docker.environment.inputs.pixi.options import PipOptions, pip_options
from conda_docker.environment.packages.wheels import PipOption
from conda_docker.errors import InvalidEnvironment
from tests.conda_docker.environment.inputs.pixi.workspaces import WORKSPACE

FOLDER = Path("/project")


def options(text: str, environment: str | None = None) -> PipOptions:
    manifest = parse_manifest(WORKSPACE + text, "pixi.toml", FOLDER)
    chosen = manifest.environment(environment)
    platform, _ = choose_platform(manifest, chosen, "linux-64")
    return pip_options(manifest, chosen, platform)


def test_nothing_is_said() -> None:
    assert options("") == PipOptions(())


def test_indexes_and_links() -> None:
    text = '[workspace.pypi-options]\nindex-url = "https://a"\nextra-index-urls = ["https://b"]\n'
    text += 'find-links = [{ path = "links" }, { url = "https://c" }]\nprerelease-mode = "allow"\n'
    assert options(text).options == (
        PipOption("index-url", "https://a"),
        PipOption("extra-index-url", "https://b"),
        PipOption("find-links", f"{FOLDER / 'links'}"),
        PipOption("find-links", "https://c"),
        PipOption("pre"),
    )


FEATURES = (
    '[workspace.pypi-options]\nindex-url = "https://a"\n'
    '[feature.x.pypi-options]\nindex-url = "https://x"\n[feature.y.pypi-options]\nindex-url = "https://y"\n'
    '[feature.x.pypi-options.dependency-overrides]\nRich = ">=2"\n'
    '[environments]\none = ["x"]\nboth = ["x", "y"]\n'
)


def test_a_features_value_replaces_the_workspaces() -> None:
    found = options(FEATURES, "one")
    assert found.options == (PipOption("index-url", "https://x"),)
    assert [text.lower() for text in found.overrides] == ["rich>=2"]


def test_features_that_disagree() -> None:
    with pytest.raises(InvalidEnvironment, match=r"'both' have several values of `index-url`: https://x, https://y"):
        options(FEATURES, "both")


def test_a_strategy_that_uv_does_not_know() -> None:
    with pytest.raises(InvalidEnvironment, match=r"should be one of first-index, .*, not 'best'"):
        options('[workspace.pypi-options]\nindex-strategy = "best"\n')


def test_a_link_that_leads_nowhere() -> None:
    with pytest.raises(InvalidEnvironment, match="should hold tables with `path` or `url`"):
        options("[workspace.pypi-options]\nfind-links = [{ name = 'x' }]\n")


def test_what_concerns_building_is_ignored_aloud() -> None:
    assert options('[workspace.pypi-options]\nno-binary = ["a"]\n').warnings == (
        "pixi.toml: `workspace.pypi-options.no-binary` is ignored",
    )
