"""What pip or uv installed into an environment that exists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from conda_docker.environment.installed_prefix import InstalledDistribution
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.redaction import public_url
from python_docker.files.regular import read_regular_file

_LARGEST = 1 << 20  # bytes of direct_url.json


def installed_distributions(metadata: Iterable[Path], prefix: Path) -> tuple[InstalledDistribution, ...]:
    """Return the distributions whose metadata is at these paths in the environment `prefix`, sorted.

    Where they came from is what `direct_url.json` says (PEP 610), credentials left out.
    """
    return tuple(_distribution(path, prefix) for path in sorted(metadata))


def _distribution(path: Path, prefix: Path) -> InstalledDistribution:
    suffix = path.suffix
    name, _, version = path.stem.partition("-")
    if suffix == ".egg-info":
        version = version.partition("-")[0]  # what follows is the Python that it was made for
    origin = _origin(path)
    editable = None
    requirement = None
    if suffix == ".egg-link":
        editable = _egg_link(path)
    elif suffix == ".dist-info" and version:
        folder = origin.get("dir_info")
        if isinstance(folder, Mapping):
            editable = _local_folder(str(origin.get("url"))) if folder.get("editable") is True else None
        elif not origin.get("url"):
            requirement = f"{normalize_name(name)}=={version}"
        else:
            requirement = f"{normalize_name(name)} @ {_location(origin)}"
    return InstalledDistribution(
        name=normalize_name(name),
        version=version,
        metadata=path.relative_to(prefix).as_posix(),
        requirement=requirement,
        editable=editable,
    )


def _origin(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_regular_file(path / "direct_url.json", _LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _location(origin: Mapping[str, Any]) -> str:
    url = public_url(str(origin["url"]))
    repository = origin.get("vcs_info")
    if not isinstance(repository, dict):
        return url
    below = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    return f"{repository.get('vcs')}+{url}@{repository.get('commit_id')}{below}"


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _egg_link(path: Path) -> Path | None:
    """Return the folder that `setup.py develop` left a link to: the first line of the file."""
    try:
        lines = read_regular_file(path, _LARGEST).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return Path(lines[0]) if lines and lines[0].startswith("/") else None
