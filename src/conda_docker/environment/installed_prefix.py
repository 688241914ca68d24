"""InstalledPrefix: the folder on this machine that an environment was read from, and what is in it beyond packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledDistribution:
    """A Python package that no conda package brings.

    `metadata` is its `.dist-info`, `.egg-info` or `.egg-link`, relative to the prefix. `requirement` is what may
    install it again, None where only this machine has it: a folder of sources, an egg. `editable` is the folder of its
    sources, where these are used in place.
    """

    name: str
    version: str
    metadata: str
    requirement: str | None = None
    editable: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPrefix:
    """An environment's folder, whose files go into the image where they do not belong to a package.

    `distributions` are what pip installed and no wheel is known for: they go into the image as they are. `as_wheels`
    are those whose wheels are installed instead. `whole` false leaves out all other files that no package brings, or
    that are not as the package has them. `root` is absolute; `given` is how the user named it.
    """

    root: Path
    given: Path
    distributions: tuple[InstalledDistribution, ...] = ()
    as_wheels: tuple[InstalledDistribution, ...] = ()
    whole: bool = True
