"""Notes: small files of the cache that tell when they are damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

from python_docker.files.atomic import write_whole_file


def write_note(path: Path, content: bytes) -> None:
    """Write `content` and its digest to `path`, in place of what was there. Raises `OSError`."""
    write_whole_file(path, _digest(content) + b"\n" + content)


def read_note(path: Path) -> bytes:
    """What `write_note` wrote to `path`. Raises `OSError`, and `ValueError` when it is damaged."""
    digest, _, content = path.read_bytes().partition(b"\n")
    if digest != _digest(content):
        raise ValueError(f"{path} is damaged")
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii")
