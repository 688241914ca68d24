"""Which kind of file describes an environment, told by its name and text."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from conda_docker.errors import InvalidEnvironment, UnsupportedInput

_PIXI_MANIFEST = re.compile(r"^\[(?:tool\.pixi|workspace\]|project\]\s*(?:^(?!\[).*\s)*?^platforms\s*=)", re.MULTILINE)


class FileKind(StrEnum):
    """A kind of file that can be read. Another one is a module that reads it, a name here and a line below."""

    ENVIRONMENT_YML = "environment.yml"
    EXPLICIT = "explicit list"


def file_kind(path: Path, text: str) -> FileKind:
    """Return the kind of the file at `path` that holds `text`.

    Raises `UnsupportedInput` for a kind that is known and cannot be read yet, by name and with a way out, and
    `InvalidEnvironment` for anything else.

    >>> file_kind(Path("packages.txt"), "# platform: linux-64\\n@EXPLICIT\\n").value
    'explicit list'
    """
    keys = set(re.findall(r"^([A-Za-z_-]+)[ \t]*:", text, re.MULTILINE))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    if "@EXPLICIT" in lines:
        return FileKind.EXPLICIT
    # The first versions of pixi.lock look like conda-lock's files inside.
    if path.name.endswith("pixi.lock") or {"version", "environments", "packages"} <= keys:
        raise _not_yet(path, "a pixi lock file", "pixi workspace export conda-explicit-spec .")
    if {"metadata", "package"} <= keys:
        raise _not_yet(path, "a conda-lock lock file", "conda-lock render --kind explicit")
    if path.suffix == ".toml" and _PIXI_MANIFEST.search(text):
        raise _not_yet(path, "a pixi manifest", "pixi workspace export conda-environment environment.yml")
    if path.suffix == ".toml":
        raise UnsupportedInput(f"{path} is a TOML file, which does not name conda packages")
    if "dependencies" in keys or path.suffix in (".yml", ".yaml"):
        return FileKind.ENVIRONMENT_YML
    if lines and all(re.fullmatch(r"[\w.-]+=[^=\s]+=[^=\s]+", line) for line in lines):
        raise _not_yet(path, "a list of `conda list --export`", "conda list --explicit --md5")
    if lines and all(re.match(r"-|[A-Za-z0-9][\w.-]*(?:\[|\s*(?:[<>=!~@;]|$))", line) for line in lines):
        raise UnsupportedInput(
            f"{path} is a list of requirements, which cannot be read; give the packages as arguments, "
            "or write an environment.yml"
        )
    raise InvalidEnvironment(
        f"{path} is neither an environment.yml (with `dependencies:`) nor an explicit list (with a line @EXPLICIT)"
    )


def _not_yet(path: Path, what: str, command: str) -> UnsupportedInput:
    return UnsupportedInput(
        f"{path} is {what}, which cannot be read yet; make an environment.yml or an explicit list of it "
        f"(such as with `{command}`) and give that"
    )
