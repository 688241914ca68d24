"""Settings of a manifest that are not packages: options for pip, and variables that activation sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from conda_docker.environment.inputs.pixi.manifest import Environment, Manifest
from conda_docker.environment.inputs.pixi.platforms import Platform
from conda_docker.environment.inputs.pixi.specs import pip_requirement
from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.environment.wheels import normalize_name
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url

_REFERENCE = re.compile(r"\$\{?[A-Za-z_]|%[A-Za-z_]+%")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# How packages are built is not for images, and whether they may be is for --allow-sdist.
_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
_SINGLE = ("index-url", "prerelease-mode", "index-strategy")


@dataclass(frozen=True, slots=True)
class PipOptions:
    """Options as pip's requirements files have them, those that uv alone has, and warnings about what is ignored."""

    lines: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    index_strategy: str = "first-index"
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables that activation sets, and warnings about what it would do besides."""

    values: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def pip_options(manifest: Manifest, environment: Environment, platform: Platform) -> PipOptions:
    """Return where an environment takes packages for pip from.

    The workspace's options hold for all environments, and those of features are added; a single value of a feature
    replaces the workspace's. Raises `InvalidEnvironment` for features that disagree.
    """
    base = manifest.workspace.table("pypi-options")
    own = [table.table("pypi-options") for feature in environment.features for table in feature.targets(platform)]
    single = {key: _single(manifest, environment, base, own, key) for key in _SINGLE}
    lines = [f"--index-url {single['index-url']}"] if single["index-url"] else []
    for table in (*own, base):
        lines += [f"--extra-index-url {url}" for url in table.texts("extra-index-urls")]
        lines += [f"--find-links {place}" for place in _find_links(table, manifest)]
    if single["prerelease-mode"] == "allow":
        lines.append("--pre")
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
    return PipOptions(tuple(dict.fromkeys(lines)), tuple(overrides.values()), strategy, tuple(warnings))


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


def variables(environment: Environment, platform: Platform) -> Variables:
    """Return the variables that activating an environment sets. Scripts are not run, which a warning says.

    Raises `InvalidEnvironment` for names and values that no variable has.
    """
    values: dict[str, str] = {}
    warnings: list[str] = []
    # The first feature counts most, so it comes last.
    for feature in reversed(environment.features):
        for table in feature.targets(platform):
            activation = table.table("activation")
            if scripts := activation.texts("scripts"):
                warnings.append(
                    f"{table.file_name}: the activation scripts {', '.join(scripts)} are not part of the image; `--add "
                    f"{scripts[0]}:/opt/conda/etc/conda/activate.d/{PurePosixPath(scripts[0]).name} --activate "
                    "entrypoint` has one sourced when a container starts"
                )
            found = activation.table("env")
            values |= {name: _value(found, name) for name in found}
    for name in [name for name, value in values.items() if _REFERENCE.search(value)]:
        warnings.append(
            f"the variable {name} refers to others ({values.pop(name)[:200]}), which are not known before a container "
            "runs: it is not set; --env can set it"
        )
    return Variables(values, tuple(dict.fromkeys(warnings)))


def _value(table: Table, name: str) -> str:
    value = table.value(name)
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int | float) or "\0" in str(value):
        raise table.invalid(name, "should be a string")
    if not _NAME.fullmatch(name):
        raise table.invalid(name, "cannot be the name of a variable")
    return str(value)
