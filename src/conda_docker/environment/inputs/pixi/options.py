"""Options for pip in a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conda_docker.environment.inputs.pixi.manifest import Environment, Manifest
from conda_docker.environment.inputs.pixi.platforms import Platform
from conda_docker.environment.inputs.pixi.specs import pip_requirement
from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.environment.packages.wheels import PipOption, normalize_name
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url

# How packages are built is not for images, and whether they may be is for --allow-sdist.
_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
_SINGLE = ("index-url", "prerelease-mode", "index-strategy")


@dataclass(frozen=True, slots=True)
class PipOptions:
    """Options of pip, those that uv alone has, and warnings about what is ignored."""

    options: tuple[PipOption, ...]
    overrides: tuple[str, ...] = ()
    index_strategy: str = "first-index"
    warnings: tuple[str, ...] = ()


def pip_options(manifest: Manifest, environment: Environment, platform: Platform) -> PipOptions:
    """Return where an environment takes packages for pip from.

    The workspace's options hold for all environments, and those of features are added; a single value of a feature
    replaces the workspace's. Raises `InvalidEnvironment` for features that disagree.
    """
    base = manifest.workspace.table("pypi-options")
    own = [table.table("pypi-options") for feature in environment.features for table in feature.targets(platform)]
    single = {key: _single(manifest, environment, base, own, key) for key in _SINGLE}
    options = [PipOption("index-url", single["index-url"])] if single["index-url"] else []
    for table in (*own, base):
        options += [PipOption("extra-index-url", url) for url in table.texts("extra-index-urls")]
        options += [PipOption("find-links", place) for place in _find_links(table, manifest)]
    if single["prerelease-mode"] == "allow":
        options.append(PipOption("pre"))
    warnings = [
        f"{manifest.file_name}: `{table.key(key)}` is ignored"
        for table in (*own, base)
        for key in ("no-binary",)
        if table.value(key)
    ]
    overrides: dict[str, str] = {}
    for table in (base, *reversed(own)):  # the first feature counts most
        entries = table.table("dependency-overrides")
        overrides |= {normalize_name(name): pip_requirement(entries, name, manifest.folder) for name in entries}
    strategy = single["index-strategy"] or "first-index"
    if strategy not in _STRATEGIES:
        raise InvalidEnvironment(
            f"{manifest.file_name}: `index-strategy` should be one of {', '.join(_STRATEGIES)}, not {strategy[:80]!r}"
        )
    return PipOptions(tuple(dict.fromkeys(options)), tuple(overrides.values()), strategy, tuple(warnings))


def _single(manifest: Manifest, environment: Environment, base: Table, own: list[Table], key: str) -> str | None:
    values = list(dict.fromkeys(text for table in own if (text := table.text(key)) is not None))
    if len(values) > 1:
        shown = ", ".join(map(public_url, values))
        raise InvalidEnvironment(
            f"{manifest.file_name}: the features of the environment {environment.name!r} have several values of "
            f"`{key}`: {shown}"
        )
    return values[0] if values else base.text(key)


def _find_links(table: Table, manifest: Manifest) -> Iterator[str]:
    for item in table.items("find-links"):
        place = item
        if isinstance(item, dict):
            path, place = item.get("path"), item.get("url")
            if isinstance(path, str):
                place = str((manifest.folder / path).absolute())
        if not isinstance(place, str):
            raise table.invalid("find-links", "should hold tables with `path` or `url`")
        yield place
