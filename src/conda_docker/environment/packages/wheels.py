"""Values for packages of the Python index: exact wheels, and requirements that are still to be resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from conda_docker.redaction import public_url


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """One wheel of an environment, exactly.

    >>> LockedWheel(name="six", version="1.17.0", url="https://example.com/six-1.17.0-py2.py3-none-any.whl").file_name
    'six-1.17.0-py2.py3-none-any.whl'
    """

    name: str
    """Normalized, as PEP 503 has it: lower case, with single hyphens."""
    version: str
    url: str
    """Where it can be downloaded from, or a `file:` URL. May carry credentials, so it is written nowhere: use
    `public_url`."""
    sha256: str | None = None
    size: int | None = None
    """The wheel's, in bytes."""
    requires: tuple[str, ...] = ()
    """Its `Requires-Dist`, where they are known."""
    source: Path | None = None
    """A local file that is this wheel already, if one is known."""
    requested: bool = False
    """Whether the user named it, rather than another package (the REQUESTED file of PEP 376)."""
    project: bool = False
    """Whether it is of a project of the user's own, which has a layer to itself on top of the others."""
    direct: bool = False
    """Whether the user gave its URL or path rather than a version (`direct_url.json` of PEP 610)."""

    @property
    def file_name(self) -> str:
        """The wheel's file name: name, version and tags (PEP 427)."""
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def stem(self) -> str:
        """The file name without its suffix, which names the wheel in layers and reports."""
        return self.file_name.removesuffix(".whl")

    @property
    def md5(self) -> str | None:
        """None: wheels are known by their SHA-256 alone."""
        return None

    @property
    def public_url(self) -> str:
        """The URL without credentials."""
        return public_url(self.url)


class PipOption(NamedTuple):
    """An option of a requirements file, by its long name without dashes; a flag has no value."""

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class PipRequirements:
    """What is to be resolved for an environment.

    `requirements` are as pip's requirements files have them, one each: names with versions and markers (PEP 508), local
    paths, URLs, `-e` in front of what is editable. Nothing is left of comments, variables and files that include
    others. `options` are in the order in which they count, and `folder` is what relative paths are relative to. What
    follows are settings that uv has and pip has not.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    options: tuple[PipOption, ...] = ()
    folder: Path | None = None
    origin: str = "pip"
    """What names them in messages, such as `environment.yml`."""
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where lines of requirements and constraints are written, where that is known: `environment.yml, line 7`."""
    overrides: tuple[str, ...] = ()
    """Requirements that count in place of what packages ask for."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """By normalized name, the URL of the index that a required package comes from; nothing else comes from there."""
    index_strategy: str | None = None
    """Which indexes count for a package, in uv's words; None: all, and the best version, as pip has it."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution that a conda package brings: its normalized name, its version, and the package's stem."""

    name: str
    version: str
    package: str


def normalize_name(name: str) -> str:
    """Return a distribution's name in its normal form (PEP 503).

    >>> normalize_name("Ruamel.YAML_clib")
    'ruamel-yaml-clib'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
