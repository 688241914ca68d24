"""Reading small files that users and other programs name: regular ones only, of bounded size."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_LARGEST_PEM = 16 << 20  # bytes; all certificates that Mozilla trusts are a quarter of a megabyte
# A FIFO opened without waiting for its other end; a terminal must not become ours.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_regular_file(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes; links are followed.

    Raises `OSError`, also for a larger file (EFBIG), and for anything else that has a name (EINVAL): a FIFO would be
    waited for without end, a device may have none.
    """
    with _opened(path) as file:
        return read_bounded(file, path, limit)


def check_pem_file(path: Path) -> None:
    """Raise `OSError` for a file of certificates or keys that cannot be read, is no regular file, or is huge.

    OpenSSL, which opens it by its name, would wait for a FIFO, and read a device without end.
    """
    read_regular_file(path, _LARGEST_PEM)


def read_bounded(file: BinaryIO, path: Path, limit: int) -> bytes:
    """Return what is left of the open file of a path, at most `limit` bytes. Raises `OSError` for more (EFBIG)."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return content


def read_beginning(path: Path, count: int) -> bytes:
    """Return the first `count` bytes of a regular file, or all where it has fewer; links are followed.

    Raises `OSError`, also for anything else that has a name (EINVAL).
    """
    with _opened(path) as file:
        return file.read(count)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    number = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with open(number, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(number)
