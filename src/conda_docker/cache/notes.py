"""Notes: small files of the cache that show when they are damaged, or are not where they belong."""

from __future__ import annotations

import hashlib
from pathlib import Path

from python_docker.files.atomic import write_whole_file
from python_docker.files.regular import read_regular_file

_LARGEST = 256 << 20  # bytes; what is known of a layer of a hundred thousand files has a tenth of that


def write_note(path: Path, name: str, content: bytes) -> None:
    """Write `content` to `path`, replacing what was there, with its digest and `name`, which says what it is about.

    Raises `OSError`.
    """
    named = name.encode() + b"\n" + content
    write_whole_file(path, _digest(named) + b"\n" + named)


def read_note(path: Path, name: str) -> bytes:
    """Return what `write_note` wrote to `path` under `name`.

    Raises `OSError`, and `ValueError` when it is damaged or about something else, as a copy of another note is.
    """
    digest, _, named = read_regular_file(path, _LARGEST).partition(b"\n")
    if digest != _digest(named):
        raise ValueError(f"{path} is damaged")
    found, _, content = named.partition(b"\n")
    if found != name.encode():
        raise ValueError(f"{path} is about something else")
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii")
