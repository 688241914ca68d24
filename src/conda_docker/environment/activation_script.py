"""Scripts of a project that activating its environment sources, next to those that packages bring."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from conda_docker.environment.active import FOLDER


class ActivationScript(NamedTuple):
    """A script for a POSIX shell: its file's name, which ends in `.sh`, and its text."""

    name: str
    text: str


def script_files(scripts: Iterable[ActivationScript]) -> dict[str, bytes]:
    """Return the files of scripts, relative to the prefix, which are sourced in their order, after those of packages.

    Scripts are sourced in the order of their names, and packages that want to come last begin theirs with a tilde.

    >>> script_files([ActivationScript("setup.sh", "export A=1")])
    {'etc/conda/activate.d/~~project-001-setup.sh': b'export A=1'}
    """
    return {
        f"{FOLDER}/~~project-{number:03}-{posixpath.basename(script.name)}": script.text.encode()
        for number, script in enumerate(scripts, 1)
    }


def to_json(scripts: Iterable[ActivationScript]) -> list[dict[str, str]]:
    """Return scripts as lock files and an image's history keep them."""
    return [{"name": script.name, "text": script.text} for script in scripts]


def from_json(items: object) -> tuple[ActivationScript, ...]:
    """Return the scripts that `to_json` wrote; raises `ValueError` for anything else."""
    return tuple(_read(items))


def _read(items: object) -> Iterator[ActivationScript]:
    if not isinstance(items, list | tuple):
        raise ValueError("activation scripts should be a list")
    for item in items:
        fields = item if isinstance(item, Mapping) else {}
        name, text = fields.get("name"), fields.get("text")
        if not isinstance(name, str) or not isinstance(text, str) or "\0" in name or not name.endswith(".sh"):
            raise ValueError("an activation script should have a `name` that ends in .sh, and a `text`")
        text.encode(), name.encode()  # JSON may hold halves of surrogate pairs, which no file can
        yield ActivationScript(name, text)
