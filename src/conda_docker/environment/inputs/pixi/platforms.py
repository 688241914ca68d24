"""Platforms of a pixi workspace: a subdir, perhaps with what its system is said to have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from conda_docker.environment.inputs.pixi.toml_table import Table

# In the order in which pixi puts them into names; these names come after those of conda.
_FRIENDLY = {
    "__cuda": "cuda",
    "__archspec": "archspec",
    "__glibc": "glibc",
    "__linux": "linux",
    "__osx": "macos",
    "__win": "windows",
}
_CONDA = {**{friendly: name for name, friendly in _FRIENDLY.items()}, "osx": "__osx"}
# What pixi takes for granted in any case, so that names do not have it.
_DEFAULTS = {"__glibc": "2.28", "__linux": "4.18", "__osx": "13.0"}


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform of a workspace: a subdir, and what is taken for granted of the system, by names such as `__cuda`."""

    name: str
    subdir: str
    virtual: Mapping[str, str] = field(default_factory=dict)


def read_platforms(workspace: Table) -> tuple[Platform, ...]:
    """Return the platforms of a workspace. Raises `InvalidEnvironment` for entries of a wrong kind.

    >>> from conda_docker.environment.inputs.pixi.toml_table import parse_toml
    >>> read_platforms(parse_toml('platforms = [{ platform = "linux-64", cuda = "12.9" }]', "pixi.toml"))[0].name
    'linux-64-cuda-12-9'
    """
    return tuple(_platforms(workspace))


def _platforms(workspace: Table) -> Iterator[Platform]:
    for item in workspace.items("platforms"):
        if isinstance(item, str):
            yield Platform(item, item)
        elif isinstance(item, dict):
            table = Table(item, workspace.file_name, workspace.key("platforms"))
            subdir = table.text("platform") or table.text("name")
            if not subdir:
                raise workspace.invalid("platforms", "has an entry without a platform")
            virtual = dict(_virtual(table))
            yield Platform(table.text("name") or _name(subdir, virtual), subdir, virtual)
        else:
            raise workspace.invalid("platforms", "should hold strings and tables")


def _virtual(table: Table) -> Iterator[tuple[str, str]]:
    for key in table:
        if key == "cuda" and isinstance(table.value(key), dict):
            cuda = table.table(key)
            yield "__cuda", cuda.text("driver") or ""
            if arch := cuda.text("arch"):
                yield "__cuda_arch", arch
        elif key in _CONDA or key.startswith("__"):
            yield _CONDA.get(key, key), table.text(key) or ""


def _name(subdir: str, virtual: Mapping[str, str]) -> str:
    """Return the name of a platform that has none of its own (pixi_manifest/src/toml/platform.rs)."""
    order = [*_FRIENDLY, *sorted(virtual.keys() - _FRIENDLY.keys())]
    parts = [
        f"{_segment(_FRIENDLY.get(name, name))}-{_segment(virtual[name])}"
        for name in order
        if name in virtual and virtual[name] != _DEFAULTS.get(name)
    ]
    return "-".join([subdir, *parts])


def _segment(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
