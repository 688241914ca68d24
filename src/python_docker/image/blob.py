"""Blob: a descriptor and how to open what it describes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from python_docker.errors import InvalidDocument
from python_docker.image.stored_file import StoredFile
from python_docker.spec.digest import Digest, VerifyingReader
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.limits import MAX_DOCUMENT_SIZE


@dataclass(frozen=True, slots=True)
class Blob:
    """Content that is somewhere, described by its descriptor.

    `opener` opens the content anew each time, at its start. `file` is the file of a store that is the content, if there
    is one: it may be linked to once it is checked. `origin` is the repository (`docker.io/library/ubuntu`) of a
    registry that has the blob. `name` is what errors call it, its digest unless it is said.

    >>> Blob.from_bytes(b"{}", "application/vnd.oci.empty.v1+json").read()
    b'{}'
    """

    descriptor: Descriptor
    opener: Callable[[], BinaryIO]
    file: StoredFile | None = None
    origin: str | None = None
    name: str | None = None

    def open(self) -> BinaryIO:
        """Return a reader that checks digest and size on the way and raises `ContentMismatch` before the last byte.

        A stored file is checked as a whole before it is opened, so that a damaged one can be replaced in time.
        """
        if self.file is not None:
            return self.file.open()
        descriptor = self.descriptor
        name = self.name or f"blob {descriptor.digest}"
        return VerifyingReader(self.opener(), descriptor.digest, descriptor.size, name)

    def read(self, limit: int = MAX_DOCUMENT_SIZE) -> bytes:
        """Return the whole content of a small blob. Raises `InvalidDocument` when it has more than `limit` bytes."""
        if self.descriptor.size > limit:
            raise InvalidDocument(
                f"blob {self.descriptor.digest} has {self.descriptor.size} bytes; at most {limit} are read at once"
            )
        with self.open() as stream:
            return stream.read()

    def describe(self, descriptor: Descriptor) -> Blob:
        """Return the same content with another descriptor (another media type, say)."""
        return replace(self, descriptor=descriptor)

    @classmethod
    def from_bytes(cls, content: bytes, media_type: str) -> Blob:
        """Return a blob of `content`, in memory."""
        return cls(Descriptor.of(content, media_type), lambda: io.BytesIO(content))

    @classmethod
    def from_file(cls, path: Path, descriptor: Descriptor) -> Blob:
        """Return a blob that is the whole of a file, wherever that is from."""
        return cls(descriptor, lambda: path.open("rb"), name=str(path))

    @classmethod
    def stored(
        cls,
        path: Path,
        descriptor: Descriptor,
        again: Callable[[], Digest] | None = None,
        *,
        intact: bool = False,
        checksum: str | None = None,
        origin: str | None = None,
    ) -> Blob:
        """Return a blob that is a file of a content-addressed store; see `StoredFile`."""
        file = StoredFile(path, descriptor, again, intact=intact, checksum=checksum)
        return cls(descriptor, file.open, file, origin)

    def replaced_by(self, again: Callable[[], Digest]) -> Blob:
        """Return the same blob, whose file is replaced by what `again` puts in its place when it turns out to be
        damaged.
        """
        if self.file is None:
            return self
        file = self.file.replaced_by(again)
        return replace(self, opener=file.open, file=file)
