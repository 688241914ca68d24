"""CacheFolder: every name under the cache folder, and the one way to write there."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.notes import read_note, write_note
from conda_docker.errors import CacheError
from python_docker.errors import reason_of
from python_docker.files.atomic import write_whole_file
from python_docker.files.leftovers import is_partial
from python_docker.files.lock import lock_shared, try_lock

if TYPE_CHECKING:
    from python_docker.image.blob_store import BlobStore

# Errors of writing to an open file name no file.
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EROFS, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
# Packages are named after their hash, or that of their URL.
_PACKAGE = r"\.?(?:url)?[0-9a-f]{32,64}-.+"
_MARK = ".conda-docker-cache"
_TAG = "CACHEDIR.TAG"
# scripts/zipapp-main.py unpacks the program to this folder, before there is a cache; it is not removed with the cache.
_PROGRAM = "zipapp"
_MARK_TEXT = b"This folder is a cache of conda-docker, which removes what is in it.\n"
# https://bford.info/cachedir/: backup programs leave folders out that hold such a file.
_TAG_TEXT = b"Signature: 8a477f597d28d172789f06886806bc55\n# A cache of conda-docker; it can be removed at any time.\n"


class NoteKind(StrEnum):
    """What notes are about, and the folder that they are in."""

    LAYERS = "layers"
    """Layers, by the digest of their recipe."""
    INDEX = "index"
    """What packages say of themselves, by the hash of their archive."""
    CLOBBERS = "clobbers"
    """Paths that several packages bring, by the digest of the recipe of all of them."""
    BASES = "bases"
    """Manifests of base images, by the digest of their name and platform."""
    SYSTEMS = "systems"
    """What a build must know of the system in a base image, by the image's ID."""
    TREES = "trees"
    """Paths of base images, by the image's ID."""
    ACTIVATIONS = "activations"
    """What activation scripts set, by the digest of all that they saw."""
    PUSHED = "pushed"
    """Repositories that blobs were pushed to, by the digest of their registry's name."""
    DISTRIBUTIONS = "distributions"
    """What packages bring to pip, by the hash of their archive."""
    WHEEL_FOLDERS = "wheel-folders"
    """Hashes of the wheels in a folder of the user's, by the digest of its path."""
    RECORDS = "records"
    """Which files wheels install, as one digest, by the hash of the wheel."""
    DIFF_IDS = "diff-ids"
    """Diff IDs of layers of others that were read here, by the layers' digests."""
    SERVED = "served"
    """Images that were made on demand, by the digest of their name and of who may use them."""
    SERVED_NAMES = "served-names"
    """What the tags of such names mean, in the same way."""
    POSTED_LOCKS = "posted-locks"
    """Lock files that a server was sent, by the digest of their hash and of who may use them."""


BLOBS = "blobs"
PACKAGES = "packages"
PYTHONS = "pythons"
WHEELS = "built-wheels"
EARLIER = ("glibc",)
"""Folders of notes that earlier releases had."""
CONTENTS = (BLOBS, PACKAGES, PYTHONS, WHEELS, *NoteKind, *EARLIER)
"""The folders of a cache."""


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """The cache in the folder `root`, which need not be there yet.

    Any number of processes may use it at once, and any may be killed: what is in it appears whole or not at all.
    """

    root: Path

    @property
    def blobs(self) -> BlobStore:
        """The layers and configs, by their digests."""
        from python_docker.image.blob_store import BlobStore

        return BlobStore(self.root)

    def package(self, name: str) -> Path:
        """Return the place of a package that was downloaded."""
        return self.root / PACKAGES / name

    def python(self, name: str) -> Path:
        """Return the place of an unpacked interpreter."""
        return self.root / PYTHONS / name

    def wheel(self, key: str) -> Path:
        """Return the folder of a wheel that was built here, by the digest of what it was built from."""
        return self.root / WHEELS / key

    def note(self, kind: NoteKind, key: str) -> Path:
        """Return the place of a note."""
        return self.root / kind / key[:2] / f"{key}.json"

    def read_note(self, kind: NoteKind, key: str) -> bytes | None:
        """Return the content of a note, which counts as used now; None when there is none, or it is damaged."""
        path = self.note(kind, key)
        try:
            content = read_note(path, _note_name(kind, key))
        except (OSError, ValueError):
            return None
        mark_used(path)
        return content

    def write_note(self, kind: NoteKind, key: str, content: bytes) -> None:
        """Write a note, replacing the one that was there. Raises `CacheError`."""
        with self.writing():
            write_note(self.note(kind, key), _note_name(kind, key), content)

    def note_keys(self, kind: NoteKind) -> Iterator[str]:
        """Yield the keys of all notes of a kind."""
        with suppress(OSError):
            for path in (self.root / kind).glob("*/*.json"):
                if not is_partial(path.name):
                    yield path.stem

    def remember(self, kind: NoteKind, key: str, content: bytes) -> None:
        """Write a note where that is possible: without it, something is looked up again the next time."""
        with suppress(CacheError, OSError):
            self.write_note(kind, key, content)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the folder ready to be written to, and raise `CacheError` for whatever keeps the block from writing.

        Errors of other folders pass unchanged.
        """
        try:
            self._prepare()
            yield
        except OSError as error:
            named = error.filename is not None and Path(os.fsdecode(error.filename)).is_relative_to(self.root)
            if not named and not (error.filename is None and error.errno in _CANNOT_WRITE):
                raise
            raise unwritable(self.root, error) from error

    def hold(self) -> int | None:
        """Return a file descriptor that says, until it is closed, that a build uses the cache.

        What was used in the last hour is not pruned meanwhile. None for a cache that is not there yet, or not marked.
        """
        try:
            number = os.open(self.root / _MARK, os.O_RDONLY)
        except OSError:
            return None
        with suppress(OSError):  # no locks here
            lock_shared(number)
        return number

    @contextmanager
    def pruning(self) -> Iterator[bool]:
        """Keep builds from beginning to use the cache in the block, which is told whether one does already."""
        try:
            number = os.open(self.root / _MARK, os.O_RDONLY)
        except OSError:
            yield False
            return
        try:
            in_use = False
            with suppress(OSError):  # no locks here
                in_use = not try_lock(number)
            yield in_use
        finally:
            os.close(number)

    def is_marked(self) -> bool:
        """Return whether the folder bears our mark, so that what is in it may be removed."""
        return (self.root / _MARK).is_file()

    def is_empty(self) -> bool:
        """Return whether the folder is not there, or has nothing in it but what a cache begins with."""
        return not _names(self.root) - {_TAG, _PROGRAM}

    def _lost_its_mark(self) -> bool:
        """Return whether the folder was a cache until somebody began to delete it: it has nothing but what is ours."""
        names = _names(self.root) - {_PROGRAM}
        return (
            names <= {*CONTENTS, _TAG, _MARK}
            and bool(names - {PYTHONS, _TAG})
            and _names(self.root / BLOBS) <= {"sha256", "sha512"}
            and all(re.fullmatch(_PACKAGE, name) for name in _names(self.root / PACKAGES))
        )

    def _prepare(self) -> None:
        """Make the folder and mark it as ours. Raises `CacheError` for a folder that holds something else."""
        mark = self.root / _MARK
        if mark.is_file():
            return
        # It may be read-only, and is of use all the same.
        earlier = self._lost_its_mark()
        # Looked for again: another thread or process may have made it meanwhile.
        if not earlier and not self.is_empty() and not mark.is_file():
            raise CacheError(
                f"{self.root} cannot be the cache: it holds other files; choose an empty folder, or one that is not "
                "there yet, with --cache-dir or CONDA_DOCKER_CACHE"
            )
        try:
            write_whole_file(self.root / _TAG, _TAG_TEXT)
            # Never replaced: a build that uses the cache may hold a lock of the mark that another one has just made.
            with mark.open("xb") as file:
                file.write(_MARK_TEXT)
        except OSError:
            if not earlier and not mark.is_file():
                raise


def unwritable(root: Path, error: OSError) -> CacheError:
    """Return the error that says that the cache in `root` is full, or cannot be written for another reason."""
    # A folder that could not be made, as in /proc, is the one that the error names.
    if error.errno == errno.ENOENT and error.filename not in (str(root), root):
        return CacheError(
            f"the cache {root} was deleted while it was in use; build again, and clear it with `conda-docker cache "
            "clear`, which keeps what running builds use"
        )
    return CacheError(
        f"the cache {root} cannot be written: {reason_of(error)}; "
        "choose another folder with --cache-dir or CONDA_DOCKER_CACHE"
    )


def mark_used(path: Path) -> None:
    """Note that a file or folder is in use: what was not used for longest is pruned first."""
    with suppress(OSError):  # a cache that can only be read is still a cache
        os.utime(path)


def _names(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if not is_partial(name)}
    except FileNotFoundError:
        return set()


def _note_name(kind: NoteKind, key: str) -> str:
    return f"{kind}/{key}"
