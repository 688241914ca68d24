"""What a lock file was made from, as a digest: whether it is up to date is known without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conda_docker.environment.inputs.lock_files.own_lock import MARK, parse_own_lock, read_document
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import read_text


def read_lock(path: Path) -> Mapping[str, Any] | None:
    """Return the document of a lock file of conda-docker's own form, None for a file of another kind or none at all.

    Raises `InvalidEnvironment` for one that is damaged.
    """
    try:
        if not path.is_file():
            return None  # a FIFO would be waited for
        with path.open("rb") as file:
            if not file.read(64).lstrip().startswith(b"{"):
                return None
    except OSError:
        return None
    text = read_text(path)
    if f'"{MARK}"' not in text:
        return None
    document = read_document(text, str(path))
    if not isinstance(document.get("inputs"), dict):
        raise InvalidEnvironment(f"{path} is damaged: it does not say what it was made from; lock again")
    return document


def locked_environments(path: Path) -> dict[str, LockedEnvironment]:
    """Return what a lock file holds, by subdirs. Raises `InvalidEnvironment`."""
    text = read_text(path)
    subdirs = [str(entry["subdir"]) for entry in read_document(text, str(path))["platforms"]]
    return {subdir: parse_own_lock(text, str(path), subdir=subdir, folder=path.parent) for subdir in subdirs}


def inputs_digest(inputs: Mapping[str, Any], texts: Iterable[str]) -> str:
    """Return the digest of options, and of the text of each file that the environment is described in.

    >>> inputs_digest({"specs": ["a"]}, []) == inputs_digest({"specs": ["b"]}, [])
    False
    """
    total = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode())
    for text in texts:
        # Line ends differ between machines, and nothing else may.
        total.update(hashlib.sha256("\n".join(text.splitlines()).encode()).digest())
    return f"sha256:{total.hexdigest()}"
