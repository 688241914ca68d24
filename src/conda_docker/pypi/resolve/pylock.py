"""pylock.toml: what uv has resolved, as the standard lock file of Python packages (PEP 751)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidEnvironment
from python_docker.errors import reason_of


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a package comes as. `url` may be a `file:` URL; `size` is in bytes."""

    url: str
    sha256: str | None = None
    size: int | None = None

    @property
    def file_name(self) -> str:
        """The last part of the URL's path."""
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(self.url).path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class ResolvedPackage:
    """A package of the lock: its wheels, or what it must be built from.

    `direct`: it was given by a URL or a path. `source` is a source distribution, `tree` a folder, and `vcs` a
    repository with a commit, as `git+URL@COMMIT`.
    """

    name: str
    version: str | None
    wheels: tuple[Artifact, ...] = ()
    source: Artifact | None = None
    tree: Path | None = None
    vcs: str | None = None
    direct: bool = False
    marker: str | None = None
    """For which environments it is wanted (PEP 508)."""


def parse_pylock(text: str, folder: Path) -> tuple[ResolvedPackage, ...]:
    """Return the packages of a pylock.toml; `folder` is what its relative paths are relative to.

    Raises `InvalidEnvironment` for a file that cannot be read as one.
    """
    try:
        document = tomllib.loads(text)
        if not str(document["lock-version"]).startswith("1."):
            raise ValueError(f"lock-version {document['lock-version']} is not known")
        return tuple(_package(row, folder) for row in document.get("packages", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidEnvironment(f"cannot read the pylock.toml that uv wrote: {reason_of(error)}") from error


def _package(row: Mapping[str, Any], folder: Path) -> ResolvedPackage:
    name, version = normalize_name(row["name"]), row.get("version")
    archive = _artifact(row["archive"], folder) if "archive" in row else None
    wheels = tuple(_artifact(wheel, folder) for wheel in row.get("wheels", ()))
    source = _artifact(row["sdist"], folder) if "sdist" in row else None
    if archive is not None:
        wheels, source = ((archive,), None) if archive.file_name.endswith(".whl") else ((), archive)
    tree = (folder / row["directory"]["path"]) if "directory" in row else None
    vcs = None
    if "vcs" in row:
        location = row["vcs"].get("url") or (folder / row["vcs"]["path"]).as_uri()
        below = f"#subdirectory={row['vcs']['subdirectory']}" if "subdirectory" in row["vcs"] else ""
        vcs = f"{row['vcs']['type']}+{location}@{row['vcs']['commit-id']}{below}"
    direct = bool(archive or tree or vcs)
    return ResolvedPackage(name, version, wheels, source, tree, vcs, direct, row.get("marker"))


def _artifact(row: Mapping[str, Any], folder: Path) -> Artifact:
    url = row.get("url")
    if url is None:
        url = (folder / row["path"]).absolute().as_uri()
    hashes: Mapping[str, str] = row.get("hashes", {})
    return Artifact(str(url), hashes.get("sha256"), row.get("size"))
