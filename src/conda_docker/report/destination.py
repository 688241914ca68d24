"""Destination: where a page may go, checked before the work and written after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conda_docker.report.page import GENERATOR
from conda_docker.user_files import is_there
from python_docker.errors import Error, reason_of
from python_docker.files.atomic import PartialFile, write_all, write_whole_file

_HEAD = 2048
"""Bytes at the beginning of a page in which it says what made it."""


@contextmanager
def open_destination(path: Path, *, force: bool = False) -> Iterator[Callable[[bytes], None]]:
    """Open `path` for a page, and give what writes it; the file appears whole or not at all.

    A file that is there is replaced if it is such a page, or with `force`. Raises `Error` at once where nothing can be
    written, and for a file of another kind.
    """
    with _named_in_errors(path):
        _check_replaceable(path, force=force)
        is_stream = is_there(path) and not path.is_file()  # a pipe, or a device such as /dev/stdout
        partial = PartialFile(path.parent) if not is_stream and is_there(path.parent) else None
    if is_stream:
        yield lambda page: _write_stream(path, page)
    elif partial is None:
        # The folder is made when there is something to put into it.
        yield lambda page: _write_file(path, page)
    else:
        with partial:
            yield lambda page: _complete(partial, path, page)


def _complete(partial: PartialFile, path: Path, page: bytes) -> None:
    with _named_in_errors(path):
        write_all(partial.file, page)
        partial.commit(path)


def _write_file(path: Path, page: bytes) -> None:
    with _named_in_errors(path):
        write_whole_file(path, page)


def _write_stream(path: Path, page: bytes) -> None:
    with _named_in_errors(path), path.open("wb") as stream:
        stream.write(page)


@contextmanager
def _named_in_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Error(f"cannot write {path}: {reason_of(error)}") from error


def _check_replaceable(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise Error(f"cannot write {path}: it is a folder; name a file in it")
    if force or not path.is_file():
        return
    with path.open("rb") as file:
        if GENERATOR.encode() not in file.read(_HEAD):
            raise Error(f"{path} is not a report; name another file with -o, or replace it with --force")
