"""Reading what users wrote: regular files of bounded size, in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from python_docker.errors import reason_of
from python_docker.files.home import expand_home
from python_docker.files.regular import read_bounded, read_regular_file

_LARGEST = 16 << 20
# Bytes. A lock file of a thousand packages for five platforms has about 3 MB.
_TOO_LARGE = f"it has more than {_LARGEST >> 20} MiB, and no list of packages is that large"
_texts: ContextVar[dict[str, str] | None] = ContextVar("texts", default=None)
_DESCRIPTOR = re.compile(r"/dev/(?:stdin|fd/[0-9]+)|/proc/self/fd/[0-9]+")


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a user wrote, with `~` and `~name` replaced where these are known."""
    return expand_home(os.fspath(text))


def is_there(path: Path) -> bool:
    """Return whether there is something at a path; there is nothing under a name that no file system takes."""
    # Path.exists() raises for a name that is too long.
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: Path) -> bool:
    """Return whether a folder is at a path, as far as this user may look: what is in another user's home is not.

    >>> is_folder(Path("/")), is_folder(Path("/dev/null"))
    (True, False)
    """
    # Path.is_dir() raises where a folder on the way may not be searched.
    return os.path.isdir(path)  # noqa: PTH112


@contextmanager
def read_once() -> Iterator[dict[str, str]]:
    """Have each file and stream read once while this lasts: whoever reads it again gets the same text.

    Yields the texts, by path or by the name of the stream, in the order of reading.
    """
    texts: dict[str, str] = {}
    token = _texts.set(texts)
    try:
        yield texts
    finally:
        _texts.reset(token)


def note_read(name: str | Path, text: str) -> None:
    """Note what was read of a file, for `read_once`."""
    texts = _texts.get()
    if texts is not None:
        texts[str(name)] = text


def read_text(path: Path) -> str:
    """Return a file's text. PowerShell writes UTF-16 with a byte order mark, everything else UTF-8.

    Raises `EnvironmentNotFound` for a file that is missing, and `InvalidEnvironment` for one that is larger than 16 MiB
    or not text, and for anything but a regular file.
    """
    known = (_texts.get() or {}).get(str(path))
    if known is not None:
        return known
    try:
        content = read_regular_file(path, _LARGEST)
    except OSError as error:
        reason = _TOO_LARGE if error.errno == errno.EFBIG else reason_of(error)
        if path.is_dir():
            reason = "it is a folder; name the file in it"
        kind = EnvironmentNotFound if isinstance(error, FileNotFoundError) else InvalidEnvironment
        raise kind(f"cannot read {path}: {reason}") from error
    except ValueError as error:
        raise InvalidEnvironment(f"cannot read {str(path)!r}: {error}") from error
    text = _decode(content, str(path))
    note_read(path, text)
    return text


def is_stream(path: Path) -> bool:
    """Return whether a path stands for something that is open already: `-`, or what a shell makes of `<(command)`.

    >>> is_stream(Path("-")), is_stream(Path("/dev/fd/63")), is_stream(Path("environment.yml"))
    (True, True, False)
    """
    return str(path) == "-" or _DESCRIPTOR.fullmatch(path.as_posix()) is not None


def read_named(path: Path, limit: int) -> bytes:
    """Return what is in a file that a user names, or in what a shell makes of `<(command)`: at most `limit` bytes.

    Raises `OSError`, also for a larger file (EFBIG), and for a FIFO, a device and the like (EINVAL).
    """
    if _DESCRIPTOR.fullmatch(path.as_posix()) is None:
        return read_regular_file(path, limit)
    with path.open("rb") as file:
        return read_bounded(file, path, limit)


def stream_name(path: Path) -> str:
    """Return what messages call a stream.

    >>> stream_name(Path("-")), stream_name(Path("/dev/fd/63"))
    ('standard input', 'file descriptor 63')
    """
    number = path.name
    return "standard input" if number in ("-", "stdin", "0") else f"file descriptor {number}"


def check_streams(paths: Iterable[Path]) -> None:
    """Raise `InvalidEnvironment` where one stream is given twice: reading empties it."""
    names = [stream_name(path) for path in paths if is_stream(path)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidEnvironment(f"{twice} is given twice, and can be read once; give it once, or name a file")


def read_stream(path: Path) -> str:
    """Return the text of what `is_stream` is true for, read to its end. Raises `InvalidEnvironment` as `read_text`."""
    known = (_texts.get() or {}).get(stream_name(path))
    if known is not None:
        return known
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with path.open("rb") as file:
                content = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidEnvironment(f"cannot read {path}: {reason_of(error)}") from error
    if len(content) > _LARGEST:
        raise InvalidEnvironment(f"cannot read {path}: {_TOO_LARGE}")
    text = _decode(content, str(path))
    note_read(stream_name(path), text)
    return text


def _decode(content: bytes, name: str) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidEnvironment(f"{name} is not a text file: {error}") from error
    if "\0" in text:
        raise InvalidEnvironment(f"{name} is not a text file: it holds NUL bytes")
    return text
