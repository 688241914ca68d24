"""What a lock file was made from, as a digest: whether it is up to date is known without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.environment.inputs.lock_files.own_lock import MARK, parse_own_lock, read_document
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import note_read, read_text

if TYPE_CHECKING:
    from conda_docker.request import Request


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


def described_in(request: Request) -> tuple[str, ...]:
    """Return the contents of all files that describe what a request asks for: its own, and those that these name.

    Such are requirements files (`-r`), scripts of a pixi workspace, and its pixi.lock. Nothing is solved. Raises
    `InvalidEnvironment` and `UnsupportedInput` as reading them does.
    """
    from conda_docker.environment.inputs.kind import InputFile
    from conda_docker.environment.subdirs import subdir_of_platform
    from conda_docker.resolution.describe import describe
    from conda_docker.user_files import check_streams, read_once

    if not request.files:
        return ()
    check_streams(request.files)
    with read_once() as texts:
        files = [InputFile.read(path) for path in request.files]
        for platform in request.platforms or (None,):
            describe(request, files, None if platform is None else subdir_of_platform(platform))
    for name, text in texts.items():
        note_read(name, text)
    return tuple(texts.values())
