"""What pip or uv installed into an environment that exists, as the requirements that install it again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conda_docker.environment.wheels import normalize_name
from conda_docker.errors import UnsupportedInput
from conda_docker.redaction import public_url
from python_docker.files.regular import read_regular_file

_LARGEST = 1 << 20  # bytes of direct_url.json


def installed_requirements(distributions: Iterable[Path], where: str) -> tuple[str, ...]:
    """Return a requirement for each of `distributions`, the paths of their metadata in site-packages.

    It names the version, or the URL where that was asked for (PEP 610). `where` names the environment in messages.
    Raises `UnsupportedInput`, naming all of them, for what no index and no URL has: editable packages, folders of
    sources, eggs.
    """
    requirements = []
    elsewhere = []
    for path in sorted(distributions):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        origin = _origin(path)
        if not path.name.endswith(".dist-info") or not version or "dir_info" in origin:
            elsewhere.append(name.removesuffix(".egg"))
        elif origin.get("url"):
            requirements.append(f"{normalize_name(name)} @ {_location(origin)}")
        else:
            requirements.append(f"{normalize_name(name)}=={version}")
    if elsewhere:
        raise UnsupportedInput(
            f"{where} holds packages that pip installed from folders of this machine ({', '.join(elsewhere)}), which "
            "cannot be had again; build wheels of them, and name these in an environment.yml"
        )
    return tuple(requirements)


def _origin(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_regular_file(path / "direct_url.json", _LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _location(origin: dict[str, Any]) -> str:
    url = public_url(str(origin["url"]))
    repository = origin.get("vcs_info")
    if not isinstance(repository, dict):
        return url
    below = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    return f"{repository.get('vcs')}+{url}@{repository.get('commit_id')}{below}"
