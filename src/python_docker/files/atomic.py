"""Small files that appear whole or not at all, whatever happens to the process that writes them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, in place of what was there; its folder is made if need be. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{secrets.token_hex(8)}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
