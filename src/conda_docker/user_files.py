"""Reading what users wrote: regular files of bounded size, in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import errno
import os
from pathlib import Path

from conda_docker.errors import InvalidEnvironment
from python_docker.files.regular import read_regular_file

_LARGEST = 16 << 20
# Bytes. A lock file of a thousand packages for five platforms has about 3 MB.


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a user wrote, with `~` and `~name` replaced where these are known."""
    # Path.expanduser() raises for a name that is not.
    return Path(os.path.expanduser(text))  # noqa: PTH111


def is_there(path: Path) -> bool:
    """Return whether there is something at a path; there is nothing under a name that no file system takes."""
    # Path.exists() raises for a name that is too long.
    return os.path.exists(path)  # noqa: PTH110


def read_text(path: Path) -> str:
    """Return a file's text. PowerShell writes UTF-16 with a byte order mark, everything else UTF-8.

    Raises `InvalidEnvironment` for a file that is missing, larger than 16 MiB or not text, and for anything but a
    regular file.
    """
    try:
        content = read_regular_file(path, _LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            reason = f"it has more than {_LARGEST >> 20} MiB, and no list of packages is that large"
        else:
            reason = error.strerror or str(error)
        raise InvalidEnvironment(f"cannot read {path}: {reason}") from error
    except ValueError as error:
        raise InvalidEnvironment(f"cannot read {str(path)!r}: {error}") from error
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidEnvironment(f"{path} is not a text file: {error}") from error
    if "\0" in text:
        raise InvalidEnvironment(f"{path} is not a text file: it holds NUL bytes")
    return text
