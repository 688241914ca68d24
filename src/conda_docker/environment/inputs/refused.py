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


def _is_pixi_manifest(file: InputFile) -> bool:
    return file.path.suffix == ".toml" and _PIXI_MANIFEST.search(file.text) is not None


def _is_toml(file: InputFile) -> bool:
    return file.path.suffix == ".toml"


TOML_FILES = (
    _not_yet("a pixi manifest", _is_pixi_manifest, "pixi workspace export conda-environment environment.yml"),
    _refused("a TOML file", _is_toml, "which does not name conda packages"),
)
