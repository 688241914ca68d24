"""Kinds of file that are known and cannot be read: they are refused by name, with a way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.errors import UnsupportedInput

_PIXI_MANIFEST = re.compile(r"^\[(?:tool\.pixi|workspace\]|project\]\s*(?:^(?!\[).*\s)*?^platforms\s*=)", re.MULTILINE)


def _refused(name: str, detect: Callable[[InputFile], bool], advice: str) -> InputKind:
    def refuse(request: ReadRequest) -> NoReturn:
        raise UnsupportedInput(f"{request.file_name} is {name}, {advice}")

    return InputKind(name, detect, refuse)


def _not_yet(name: str, detect: Callable[[InputFile], bool], command: str) -> InputKind:
    advice = (
        "which cannot be read yet; make an environment.yml or an explicit list of it "
        f"(such as with `{command}`) and give that"
    )
    return _refused(name, detect, advice)


def _is_pixi_lock(file: InputFile) -> bool:
    # The first versions of pixi.lock look like conda-lock's files inside.
    return file.path.name.endswith("pixi.lock") or {"version", "environments", "packages"} <= file.keys


def _is_conda_lock(file: InputFile) -> bool:
    return {"metadata", "package"} <= file.keys


def _is_pixi_manifest(file: InputFile) -> bool:
    return file.path.suffix == ".toml" and _PIXI_MANIFEST.search(file.text) is not None


def _is_toml(file: InputFile) -> bool:
    return file.path.suffix == ".toml"


def _is_list_export(file: InputFile) -> bool:
    return bool(file.lines) and all(re.fullmatch(r"[\w.-]+=[^=\s]+=[^=\s]+", line) for line in file.lines)


def _is_requirements(file: InputFile) -> bool:
    item = re.compile(r"-|[A-Za-z0-9][\w.-]*(?:\[|\s*(?:[<>=!~@;]|$))")
    return bool(file.lines) and all(item.match(line) for line in file.lines)


LOCK_FILES = (
    _not_yet("a pixi lock file", _is_pixi_lock, "pixi workspace export conda-explicit-spec ."),
    _not_yet("a conda-lock lock file", _is_conda_lock, "conda-lock render --kind explicit"),
    _not_yet("a pixi manifest", _is_pixi_manifest, "pixi workspace export conda-environment environment.yml"),
    _refused("a TOML file", _is_toml, "which does not name conda packages"),
)

LISTS = (
    _not_yet("a list of `conda list --export`", _is_list_export, "conda list --explicit --md5"),
    _refused(
        "a list of requirements",
        _is_requirements,
        "which cannot be read; give the packages as arguments, or write an environment.yml",
    ),
)
