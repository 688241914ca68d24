"""Where an archive is written to: a file that appears whole or not at all, or a stream."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from python_docker.errors import Error
from python_docker.files.atomic import PartialFile


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`, also to files whose `write` may take only a part of it."""
    view = memoryview(data)
    while view:
        written = file.write(view)
        # What is not of the io module may give nothing back.
        view = view[len(view) if written is None else written :]


class Output(Protocol):
    """Takes bytes in order."""

    def write(self, data: bytes) -> None:
        """Take `data`. Raises `Error` when it cannot be written."""

    def commit(self) -> None:
        """All was written."""

    def abort(self) -> None:
        """Something went wrong; take back what can be."""


class StreamOutput:
    """An open file of the caller's, which need not be seekable and stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        except OSError as error:
            raise Error(f"cannot write the archive: {error.strerror or error}") from error

    def commit(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise Error(f"cannot write the archive: {error.strerror or error}") from error

    def abort(self) -> None:
        """What was written cannot be taken back."""


class FileOutput:
    """A file that is written beside its place and takes it when it is complete; until then what was there stays.

    A path that is no plain file, such as a pipe or `/dev/stdout`, is written to as it is.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = os.fspath(path)
        self._partial: PartialFile | None = None
        try:
            if _is_special(Path(path)):
                number = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
                self._file = cast("BinaryIO", os.fdopen(number, "wb", buffering=0))
            else:
                # A link stays one.
                self._target = Path(os.path.realpath(path))
                self._partial = PartialFile(self._target.parent, self._target.name)
                self._file = self._partial.file
        except OSError as error:
            raise Error(f"cannot write {self._name}: {error.strerror}") from None

    def write(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        except OSError as error:
            raise Error(f"cannot write {self._name}: {error.strerror}") from error

    def commit(self) -> None:
        """Give the file its name. Raises `Error` when it cannot have it."""
        try:
            if self._partial is not None:
                self._partial.commit(self._target)
            else:
                self._file.close()
        except OSError as error:
            raise Error(f"cannot write {self._name}: {error.strerror}") from error

    def abort(self) -> None:
        """Remove what was written. Does nothing after a commit."""
        if self._partial is not None:
            self._partial.abort()
        with suppress(OSError):
            self._file.close()


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a folder")
    return not stat.S_ISREG(mode)
