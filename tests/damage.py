"""Damage as disks do it."""

from __future__ import annotations

import os
from pathlib import Path


def flip_a_bit(path: Path) -> None:
    """Change one bit of a file, and neither its size nor its times, nor the name that it is found by."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)
        file.seek(status.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
