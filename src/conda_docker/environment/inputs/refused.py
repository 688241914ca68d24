"""Kinds of file that are known and not read: they are refused by name, with a way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.errors import UnsupportedInput


def _refused(name: str, detect: Callable[[InputFile], bool], advice: str) -> InputKind:
    def refuse(request: ReadRequest) -> NoReturn:
        raise UnsupportedInput(f"{request.file_name} is {name}, {advice}")

    return InputKind(name, detect, refuse)


def _is_toml(file: InputFile) -> bool:
    return file.path.suffix == ".toml"


TOML = _refused(
    "a TOML file", _is_toml, "and has no table of pixi (`[workspace]` or `[tool.pixi]`), which would name packages"
)
