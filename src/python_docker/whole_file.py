"""Small files that appear whole or not at all, whatever happens to the process that writes them, and tell of damage."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole_file(path: Path, content: bytes) -> None:
    """Write `content` and its digest to `path`, in place of what was there; its folder is made if need be.

    Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{secrets.token_hex(8)}")
    try:
        partial.write_bytes(_digest(content) + b"\n" + content)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def read_whole_file(path: Path) -> bytes:
    """What `write_whole_file` wrote to `path`. Raises `OSError`, and `ValueError` when it is damaged."""
    digest, _, content = path.read_bytes().partition(b"\n")
    if digest != _digest(content):
        raise ValueError(f"{path} is damaged")
    return content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii")
