"""What kind of image a path holds, judged by its first bytes or by the names of its files."""

from __future__ import annotations

import stat
from pathlib import Path

DIRECTORY_VERSION = "Directory Transport Version: "
"""How the file `version` of a `dir:` folder begins (containers/image, directory)."""

_BLOCK = 512
_MAX_VERSION = 100  # bytes


def is_layout(path: Path) -> bool:
    """Return whether a path is a folder with the index of an OCI image layout (image-spec, image-layout.md)."""
    return Path(path, "index.json").is_file()


def is_directory_image(path: Path) -> bool:
    """Return whether a path is a folder that skopeo wrote as `dir:`."""
    version = Path(path, "version")
    try:
        if not Path(path, "manifest.json").is_file() or not version.is_file():
            return False
        with version.open("rb") as file:
            return file.read(_MAX_VERSION).startswith(DIRECTORY_VERSION.encode())
    except OSError:
        return False


def is_archive(path: Path) -> bool:
    """Return whether a path is a tar archive, compressed or not; a pipe or device, which can be read once, is one."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return False
        if not stat.S_ISREG(mode):
            return True
        with path.open("rb") as file:
            head = file.read(_BLOCK)
    except OSError:
        return False
    from python_docker.streams.compression import Compression, sniff

    return sniff(head) is not Compression.NONE or _is_tar_header(head)


def _is_tar_header(block: bytes) -> bool:
    """Return whether a block of 512 bytes is a member's header, judged by its checksum (POSIX.1, ustar)."""
    digits = block[148:156].strip(b" \0")
    if len(block) < _BLOCK or not digits.isdigit() or digits.strip(b"01234567"):
        return False
    # The checksum's own bytes count as spaces.
    return sum(block) - sum(block[148:156]) + 8 * 0x20 == int(digits, 8)
