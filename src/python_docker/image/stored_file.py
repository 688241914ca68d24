"""StoredFile: a file of a content-addressed store, hashed before its first use, and replaced when it is damaged."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_docker.errors import ContentMismatch, reason_of
from python_docker.files.checksum import checksum_of
from python_docker.spec.digest import Digest, VerifyingReader

if TYPE_CHECKING:
    from python_docker.spec.documents.descriptor import Descriptor

_READ_SIZE = 1 << 20
# What a disk answers that knows of its damage.
_DAMAGED = frozenset({errno.EIO, errno.EBADMSG, getattr(errno, "EUCLEAN", errno.EIO)})
_log = logging.getLogger(__name__)


class StoredFile:
    """The file at `path`, which should hold the content that `descriptor` describes.

    Disks lose bits without changing sizes or times, so a file is hashed before its bytes go anywhere: once in the life
    of this object, which lives as long as a build, and not at all when `intact` says that this process has just written
    it. The hash is the `checksum` that was noted when the file was written on this machine, which costs next to
    nothing, and the digest of a file for which there is none. `again` fetches or makes the content anew, into the same
    place, and returns its digest; without it, a damaged file is removed and the error says so.
    """

    def __init__(
        self,
        path: Path,
        descriptor: Descriptor,
        again: Callable[[], Digest] | None = None,
        *,
        intact: bool = False,
        checksum: str | None = None,
    ) -> None:
        self.path = path
        self._descriptor = descriptor
        self.again = again
        self._intact = intact
        self.checksum = checksum
        self._lock = threading.Lock()

    def replaced_by(self, again: Callable[[], Digest]) -> StoredFile:
        """Return the same file, with a way to have its content anew."""
        return StoredFile(self.path, self._descriptor, again, intact=self._intact, checksum=self.checksum)

    def checked(self) -> Path:
        """Return the path of the file, whose content is now known to be right.

        Raises `ContentMismatch` when it is damaged and cannot be had anew, and whatever `again` raises.
        """
        with self._lock:
            if not self._intact:
                self._check()
                self._intact = True
        return self.path

    def open(self) -> BinaryIO:
        """Open the file for reading. Raises what `checked` raises."""
        try:
            return self.checked().open("rb")
        except FileNotFoundError:  # another process has pruned the store since it was checked
            with self._lock:
                self._intact = False
            return self.checked().open("rb")

    def _check(self) -> None:
        digest = self._descriptor.digest
        try:
            self._hash()
        except FileNotFoundError:
            if self.again is None:
                raise ContentMismatch(
                    f"blob {digest} has disappeared from {self.path.parent}; run the command again"
                ) from None
        except (OSError, ContentMismatch) as error:
            if isinstance(error, OSError) and error.errno not in _DAMAGED:
                raise
            self._remove()
            if self.again is None:
                raise ContentMismatch(f"{self.path} was damaged and has been removed; run the command again") from error
            _log.warning("%s was damaged and is replaced", self.path)
        else:
            return
        found = self.again()
        if found != digest:
            raise ContentMismatch(f"blob {digest} cannot be replaced: made again, it is {found}; run the command again")

    def _hash(self) -> None:
        """Read the whole file. Raises `ContentMismatch` when it is damaged, `OSError` when it cannot be read."""
        if self.checksum is not None:
            if checksum_of(self.path) != self.checksum:
                raise ContentMismatch(f"{self.path} is damaged: it is not what was written")
            return
        with self._reader() as stream:
            while stream.read(_READ_SIZE):
                pass

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise ContentMismatch(f"{self.path} is damaged and cannot be replaced: {reason_of(error)}") from error

    def _reader(self) -> BinaryIO:
        descriptor = self._descriptor
        return VerifyingReader(self.path.open("rb"), descriptor.digest, descriptor.size, f"blob {descriptor.digest}")
