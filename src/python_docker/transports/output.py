"""Where an archive is written to: a file that appears whole or not at all, or a stream."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from python_docker.errors import Error, NotFound, UnsupportedFormat, reason_of
from python_docker.files.atomic import PartialFile, write_all
from python_docker.streams.compression import Compression

_PACKED = r"(?i)(\.tar\.(?:gz|zstd?|bz2|xz|lz|lz4|lzma|br|z)|\.t[gbx]z2?|\.tzst)$"
_PACKINGS = {
    ".tar.gz": Compression.GZIP,
    ".tgz": Compression.GZIP,
    ".tar.zst": Compression.ZSTD,
    ".tar.zstd": Compression.ZSTD,
    ".tzst": Compression.ZSTD,
}


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Raise an `OSError` of the block as an `Error` that says that `what` cannot be written."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(what, error) from error


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
            raise Error(f"cannot write the archive: {reason_of(error)}") from error

    def commit(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise Error(f"cannot write the archive: {reason_of(error)}") from error

    def abort(self) -> None:
        """What was written cannot be taken back."""


class FileOutput:
    """A file that is written next to its place and takes it when it is complete; until then what was there stays.

    A path that is not a plain file, such as a pipe or `/dev/stdout`, is written to as it is.
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
            raise _cannot_write(self._name, error) from None

    def write(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
        except OSError as error:
            raise Error(f"cannot write {self._name}: {reason_of(error)}") from error

    def commit(self) -> None:
        """Rename the file into place. Raises `Error` when that is not possible."""
        try:
            if self._partial is not None:
                self._partial.commit(self._target)
            else:
                self._file.close()
        except OSError as error:
            raise Error(f"cannot write {self._name}: {reason_of(error)}") from error

    def abort(self) -> None:
        """Remove what was written. Does nothing after a commit."""
        if self._partial is not None:
            self._partial.abort()
        with suppress(OSError):
            self._file.close()


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file that a user named, whole or not at all; its folder is made if need be. Raises `Error`.

    A link stays one, and what is not a plain file, such as a pipe or `/dev/stdout`, is written to as it is.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Error(f"cannot write {os.fspath(path)}: {reason_of(error)}") from error
    output = FileOutput(path)
    try:
        output.write(content)
        output.commit()
    finally:
        output.abort()


class PackedOutput:
    """Compresses what goes to another output; the same bytes give the same file on every machine."""

    def __init__(self, output: Output, compression: Compression) -> None:
        from python_docker.streams.compressor import CompressingWriter, compression_pool

        self._output = output
        self._writer = CompressingWriter(output.write, compression, executor=compression_pool(compression))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def commit(self) -> None:
        self._writer.close()
        self._output.commit()

    def abort(self) -> None:
        self._writer.abort()
        self._output.abort()


def packing_of(path: str | os.PathLike[str]) -> Compression:
    """Return how an archive of this name is compressed as a whole, as its ending says.

    Raises `UnsupportedFormat` for an ending that promises a compression that is only read here.

    >>> packing_of("demo.tar.gz"), packing_of("demo.tar")
    (<Compression.GZIP: 'gzip'>, <Compression.NONE: 'none'>)
    """
    ending = re.search(_PACKED, os.fspath(path))
    if ending is None:
        return Compression.NONE
    packing = _PACKINGS.get(ending[1].lower())
    if packing is None:
        raise UnsupportedFormat(f"cannot write {os.fspath(path)}: archives are written as .tar, .tar.gz or .tar.zst")
    return packing


def archive_output(path: str | os.PathLike[str]) -> Output:
    """Begin an archive in a file, compressed as its name says. Raises `Error` and `UnsupportedFormat`."""
    packing = packing_of(path)
    output = FileOutput(path)
    return output if packing is Compression.NONE else PackedOutput(output, packing)


def is_standard_output(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is what this process has as its standard output, by any name: `/dev/stdout`, `/dev/fd/1`.

    The null device is not: whoever else writes there is not disturbed.

    >>> is_standard_output(os.devnull)
    False
    """
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path raises for what is too long)
        return os.path.samestat(found, os.fstat(1)) and not os.path.samestat(found, os.stat(os.devnull))  # noqa: PTH116
    except (OSError, ValueError):
        return False


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a folder")
    return not stat.S_ISREG(mode)


def _cannot_write(what: str, error: OSError) -> Error:
    kind = NotFound if isinstance(error, FileNotFoundError) else Error
    return kind(f"cannot write {what}: {reason_of(error)}")
