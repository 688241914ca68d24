"""BlobStore: a content-addressed folder of blobs, and writers of blobs whose digest is known only at their end."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from python_docker.errors import ContentMismatch, NotFound
from python_docker.files.atomic import PartialFile, write_all
from python_docker.files.checksum import new_checksum
from python_docker.files.renaming import MUST_BE_CLOSED
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.streams.section import OwnFile, Section

if TYPE_CHECKING:
    from types import TracebackType

_COPY_SIZE = 2 << 20


class BlobWriter:
    """Writes content whose digest is known only at its end; nothing is kept unless `commit` is called.

    A context manager: what is not committed when it is left is removed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""
        self._hash.update(data)
        self._append(data)

    def _append(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        write_all(self._file, data)

    @property
    def digest(self) -> Digest:
        """The digest of what was written so far."""
        return Digest.from_hash(self._hash)

    def commit(self, media_type: str) -> Blob:
        """Keep what was written and give it as a blob."""
        return self._keep(Descriptor.new(media_type, self.digest, self.size))

    def abort(self) -> None:
        """Remove what was written."""
        self._file.close()

    def _keep(self, descriptor: Descriptor) -> Blob:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self.abort()


class _StoreWriter(BlobWriter):
    """Writes into a folder of blobs, under a name that is nobody's until it is committed.

    `noted` has the blob come with a checksum, for whoever writes that down to check the file by it later.
    """

    def __init__(self, folder: Path, path_of: Callable[[Digest], Path], *, noted: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path_of = path_of
        self._partial = PartialFile(folder)
        self._checksum = new_checksum() if noted else None
        super().__init__(self._partial.file)

    def _append(self, data: bytes | memoryview) -> None:
        if self._checksum is not None:
            self._checksum.update(data)
        super()._append(data)

    def _keep(self, descriptor: Descriptor) -> Blob:
        path = self._path_of(descriptor.digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.commit(path)
        except OSError as error:
            self.abort()
            if MUST_BE_CLOSED and isinstance(error, PermissionError) and _has_size(path, descriptor.size):
                return Blob.stored(path, descriptor)  # somebody reads the one that is there, which is checked again
            raise
        checksum = None if self._checksum is None else self._checksum.hexdigest()
        return Blob.stored(path, descriptor, intact=True, checksum=checksum)

    def abort(self) -> None:
        self._partial.abort()


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


class _TemporaryWriter(BlobWriter):
    """Writes to a file without a name, which is gone with the last object that refers to it, or with this process."""

    def __init__(self) -> None:
        import tempfile

        super().__init__(cast("BinaryIO", tempfile.TemporaryFile(prefix="blob-", buffering=0)))  # noqa: SIM115

    def _keep(self, descriptor: Descriptor) -> Blob:
        file = OwnFile(os.dup(self._file.fileno()))
        self._file.close()
        return Blob(
            descriptor, lambda: cast("BinaryIO", Section(file, 0, descriptor.size, f"blob {descriptor.digest}"))
        )


def temporary_writer() -> BlobWriter:
    """Return a writer whose blob lives in the system's folder for temporary files for as long as it is referred to."""
    return _TemporaryWriter()


class _MemoryWriter(BlobWriter):
    """Writes into memory."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        super().__init__(self._content)

    def _keep(self, descriptor: Descriptor) -> Blob:
        content = self._content.getvalue()
        return Blob(descriptor, lambda: io.BytesIO(content))


def memory_writer() -> BlobWriter:
    """Return a writer whose blob lives in memory: for content that is no larger than what is there of it already.

    >>> with memory_writer() as writer:
    ...     writer.write(b"{}")
    ...     writer.commit("application/json").read()
    b'{}'
    """
    return _MemoryWriter()


def blob_path(digest: Digest) -> str:
    """Return where a blob is in an OCI layout (image-spec, image-layout.md, "Blobs").

    >>> blob_path(Digest.of(b""))
    'blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    return f"blobs/{digest.algorithm}/{digest.encoded}"


class BlobStore:
    """A folder with each blob in a file of its own, `blobs/<algorithm>/<encoded>`: an OCI layout's.

    Safe for any number of processes at once and against being killed: a blob appears under its name whole or not at
    all. `get` and `contains` compare sizes; reading checks digests.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = BlobStore(folder)
    ...     blob = store.add(Blob.from_bytes(b"{}", "application/vnd.oci.empty.v1+json"))
    ...     store.contains(blob.descriptor)
    True
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    def path_of(self, digest: Digest) -> Path:
        """Return where the blob of this digest is, or would be."""
        return self.root / blob_path(digest)

    def contains(self, descriptor: Descriptor) -> bool:
        """Return whether a file of that digest and size is there."""
        try:
            return self.path_of(descriptor.digest).stat().st_size == descriptor.size
        except OSError:
            return False

    def get(self, descriptor: Descriptor) -> Blob:
        """Return the blob described. Raises `NotFound`, or `ContentMismatch` when its file has another size."""
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
        """Return a writer into this store, whose blob has the checksum of its file (see `StoredFile`)."""
        return self._writer(noted=True)

    def _writer(self, *, noted: bool) -> _StoreWriter:
        return _StoreWriter(self.root / "blobs", self.path_of, noted=noted)

    def add(self, blob: Blob, *, advance: Callable[[int], object] | None = None) -> Blob:
        """Take a blob in: linked where that is safe and the file system can, else copied and checked on the way.

        `advance` is called with the numbers of bytes that were copied. Raises `ContentMismatch` when the content is
        not what the descriptor says.
        """
        descriptor = blob.descriptor
        if self.contains(descriptor):
            return self.get(descriptor)
        if blob.file is not None and self._link(blob.file.checked(), descriptor):
            return self.get(descriptor)
        with self._writer(noted=False) as writer, blob.open() as stream:
            while data := stream.read(_COPY_SIZE):
                writer._append(data)  # `blob.open` hashes it already
                if advance is not None:
                    advance(len(data))
            return writer._keep(descriptor)

    def _link(self, source: Path, descriptor: Descriptor) -> bool:
        """Link a blob's file in, if its file system can; content-addressed files are never written to again."""
        path = self.path_of(descriptor.digest)
        try:
            if source.stat().st_size != descriptor.size:
                return False
            try:
                os.link(source, path)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(source, path)
        except FileExistsError:
            # Another process was quicker; or it is damaged, and is replaced by a copy.
            return self.contains(descriptor)
        except OSError:
            return False
        return True

    def add_bytes(self, content: bytes, media_type: str) -> Blob:
        """Add `content`."""
        return self.add(Blob.from_bytes(content, media_type))
