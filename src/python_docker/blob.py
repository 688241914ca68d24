"""Blob: a descriptor and how to open what it describes. BlobStore: a content-addressed folder of them."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from python_docker.digest import Digest, VerifyingReader
from python_docker.errors import ContentMismatch, InvalidDocument, NotFound
from python_docker.spec import MAX_DOCUMENT_SIZE, Descriptor

if TYPE_CHECKING:
    from types import TracebackType

_COPY_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """Content that is somewhere, described by its descriptor.

    `opener` opens the content anew each time, at its start. `path` is a file that holds exactly this content, if there
    is one, and `origin` the repository (`docker.io/library/ubuntu`) of a registry that has it.

    >>> Blob.from_bytes(b"{}", "application/vnd.oci.empty.v1+json").read()
    b'{}'
    """

    descriptor: Descriptor
    opener: Callable[[], BinaryIO]
    path: Path | None = None
    origin: str | None = None

    def open(self) -> BinaryIO:
        """A reader that checks digest and size on the way and raises `ContentMismatch` before the last byte."""
        descriptor = self.descriptor
        return cast(
            "BinaryIO", VerifyingReader(self.opener(), descriptor.digest, descriptor.size, f"blob {descriptor.digest}")
        )

    def read(self, limit: int = MAX_DOCUMENT_SIZE) -> bytes:
        """The whole content of a small blob. Raises `InvalidDocument` when it has more than `limit` bytes."""
        if self.descriptor.size > limit:
            raise InvalidDocument(
                f"blob {self.descriptor.digest} has {self.descriptor.size} bytes; at most {limit} are read at once"
            )
        with self.open() as stream:
            return stream.read()

    def describe(self, descriptor: Descriptor) -> Blob:
        """The same content with another descriptor (another media type, say)."""
        return replace(self, descriptor=descriptor)

    @classmethod
    def from_bytes(cls, content: bytes, media_type: str) -> Blob:
        """A blob of `content`, in memory."""
        return cls(Descriptor.of(content, media_type), lambda: io.BytesIO(content))

    @classmethod
    def from_file(cls, path: Path, descriptor: Descriptor) -> Blob:
        """A blob that is the whole of a file."""
        return cls(descriptor, lambda: path.open("rb"), path=path)


class BlobWriter:
    """Writes content whose digest is known only at its end; nothing is kept unless `commit` is called.

    A context manager: what is not committed when it is left is removed.
    """

    def __init__(self, folder: Path, store: BlobStore | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._store = store
        self._path = folder / f".partial-{os.getpid()}-{secrets.token_hex(8)}"
        self._file = self._path.open("xb", buffering=0)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""
        self._hash.update(data)
        self.size += len(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    @property
    def digest(self) -> Digest:
        """The digest of what was written so far."""
        return Digest.from_hash(self._hash)

    def commit(self, media_type: str) -> Blob:
        """Keep what was written and give it as a blob."""
        self._file.close()
        descriptor = Descriptor.new(media_type, self.digest, self.size)
        if self._store is None:
            return _temporary_blob(self._path, descriptor)
        path = self._store.path_of(descriptor.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(path)
        return Blob.from_file(path, descriptor)

    def abort(self) -> None:
        """Remove what was written."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self.abort()


class _TemporaryFile:
    """Opens a file that is removed when nobody can open it any more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._remove = weakref.finalize(self, path.unlink, missing_ok=True)

    def __call__(self) -> BinaryIO:
        return self.path.open("rb")


def _temporary_blob(path: Path, descriptor: Descriptor) -> Blob:
    opener = _TemporaryFile(path)
    # No `path`: a hard link to a temporary file would be right, but its owner and mode are this process's.
    return Blob(descriptor, opener)


def temporary_writer() -> BlobWriter:
    """A writer whose blob lives in the system's folder for temporary files for as long as it is referred to."""
    return BlobWriter(Path(tempfile.gettempdir()))


class BlobStore:
    """A folder with each blob in a file of its own, `blobs/<algorithm>/<encoded>`: an OCI layout's.

    Safe for any number of processes at once and against being killed: a blob appears under its name whole or not at
    all. `get` and `contains` compare sizes; reading checks digests.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = BlobStore(folder)
    ...     blob = store.add(Blob.from_bytes(b"{}", "application/vnd.oci.empty.v1+json"))
    ...     store.contains(blob.descriptor)
    True
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def path_of(self, digest: Digest) -> Path:
        """Where the blob of this digest is, or would be."""
        return self.root / "blobs" / digest.algorithm / digest.encoded

    def contains(self, descriptor: Descriptor) -> bool:
        """Whether a file of that digest and size is there."""
        try:
            return self.path_of(descriptor.digest).stat().st_size == descriptor.size
        except OSError:
            return False

    def get(self, descriptor: Descriptor) -> Blob:
        """The blob described. Raises `NotFound`, or `ContentMismatch` when its file has another size."""
        path = self.path_of(descriptor.digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise NotFound(f"there is no blob {descriptor.digest} in {self.root}") from None
        if size != descriptor.size:
            raise ContentMismatch(
                f"blob {descriptor.digest} in {self.root} has {size} bytes instead of {descriptor.size}"
            )
        return Blob.from_file(path, descriptor)

    def writer(self) -> BlobWriter:
        """A writer into this store."""
        return BlobWriter(self.root / "blobs", self)

    def add(self, blob: Blob, *, advance: Callable[[int], object] | None = None) -> Blob:
        """Take a blob in: linked where it is a file on the same file system, else copied and checked on the way.

        `advance` is called with the numbers of bytes that were copied. Raises `ContentMismatch` when the content is
        not what the descriptor says.
        """
        descriptor = blob.descriptor
        if self.contains(descriptor):
            return self.get(descriptor)
        path = self.path_of(descriptor.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if blob.path is not None and self._link(blob.path, path, descriptor):
            return Blob.from_file(path, descriptor)
        with self.writer() as writer, blob.open() as stream:
            while data := stream.read(_COPY_SIZE):
                writer.write(data)
                if advance is not None:
                    advance(len(data))
            if writer.size != descriptor.size:
                raise ContentMismatch(f"blob {descriptor.digest} has {writer.size} bytes instead of {descriptor.size}")
            if descriptor.digest.algorithm == "sha256":
                return writer.commit(descriptor.media_type).describe(descriptor)
            # Named by another algorithm, which `blob.open` has checked.
            writer._file.close()
            writer._path.replace(path)
        return Blob.from_file(path, descriptor)

    def _link(self, source: Path, path: Path, descriptor: Descriptor) -> bool:
        """Link a blob's file in, if its file system can; content-addressed files are never written to again."""
        try:
            if source.stat().st_size != descriptor.size:
                return False
            partial = path.with_name(f".partial-{os.getpid()}-{secrets.token_hex(8)}")
            os.link(source, partial)
            partial.replace(path)
            # rename(2) leaves both names when they are links to one file.
            partial.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def add_bytes(self, content: bytes, media_type: str) -> Blob:
        """Take in `content`."""
        return self.add(Blob.from_bytes(content, media_type))

    def size(self) -> int:
        """How many bytes the blobs have in all."""
        return sum(path.stat().st_size for path in (self.root / "blobs").glob("*/*") if path.is_file())

    def remove(self, digest: Digest) -> None:
        """Remove a blob, if it is there."""
        self.path_of(digest).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all blobs."""
        shutil.rmtree(self.root / "blobs", ignore_errors=True)
