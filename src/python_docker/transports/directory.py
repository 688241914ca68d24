"""Folders as skopeo writes them for `dir:DIR`: one image, its blobs named by their digits.

Source: containers/image, directory.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from python_docker.errors import ContentMismatch, Error, InvalidArchive, NotFound
from python_docker.files.atomic import PartialFolder
from python_docker.files.leftovers import is_partial
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, named_digests, parse_manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import ImageFormat
from python_docker.streams.compression import Compression
from python_docker.transports.look import DIRECTORY_VERSION, is_directory_image
from python_docker.transports.oci.source import FolderFiles, regular_size
from python_docker.transports.output import writing

if TYPE_CHECKING:
    from python_docker.progress import Task
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.reference import ImageReference
    from python_docker.transports.location import Location

_VERSION = f"{DIRECTORY_VERSION}1.1\n"


def _child_name(digest: Digest) -> str:
    return f"{digest.encoded}.manifest.json"


class DirectorySource:
    """A `Source`: the image, or the index of images, in a folder that `skopeo copy ... dir:DIR` wrote."""

    reference: ClassVar[ImageReference | None] = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = FolderFiles(folder)
        self._root: Manifest | Index | None = None

    @classmethod
    def open(cls, location: Location, registry: RegistryOptions | None = None) -> DirectorySource:
        """Open a folder. Raises `NotFound` when there is none, `InvalidArchive` when it is not one of skopeo's."""
        folder = Path(location.path)
        if not folder.exists():
            raise NotFound(f"there is no folder {folder}")
        if not is_directory_image(folder):
            raise InvalidArchive(
                f"{folder} is not a folder as skopeo writes them for dir: expected the files version and manifest.json"
            )
        return cls(folder)

    def root(self) -> Manifest | Index:
        if self._root is None:
            self._root = parse_manifest(self._read("manifest.json"), what=f"manifest.json in {self._folder}")
        return self._root

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        raw = self._read(_child_name(descriptor.digest))
        what = f"manifest {descriptor.digest} in {self._folder}"
        if len(raw) != descriptor.size:
            raise ContentMismatch(f"{what} has {len(raw)} bytes instead of {descriptor.size}")
        descriptor.digest.check(raw, what)
        return parse_manifest(raw, descriptor.media_type, what)

    def _read(self, name: str) -> bytes:
        raw = self._files.read(name, MAX_DOCUMENT_SIZE)
        if raw is None:
            raise NotFound(f"{self._folder} has no file {name}")
        return raw

    def blob(self, descriptor: Descriptor) -> Blob:
        path = self._folder / descriptor.digest.encoded
        size = regular_size(path)
        if size is None:
            raise NotFound(f"{self._folder} has no blob {descriptor.digest}")
        if size != descriptor.size:
            raise ContentMismatch(
                f"blob {descriptor.digest} in {self._folder} has {size} bytes instead of {descriptor.size}"
            )
        return Blob.from_file(path, descriptor)

    def close(self) -> None:
        """Nothing is kept open."""


class DirectoryDestination:
    """Writes one image, or one index of images, as a folder that appears when it is complete.

    It takes the place of an image that is there already, as skopeo does; a folder with anything else in it is refused.
    """

    formats: ClassVar[frozenset[ImageFormat]] = frozenset({ImageFormat.OCI, ImageFormat.DOCKER})
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
    parallel: ClassVar[int] = 4
    takes_index: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_root = False
        _check_target(folder)
        with writing(f"the folder {folder}"):
            place = folder.absolute()
            place.parent.mkdir(parents=True, exist_ok=True)
            self._partial = PartialFolder(place.parent, place.name)
        self._stage = BlobStore(self._partial.path)
        self._staged: set[Digest] = set()
        self._named: set[Digest] = set()

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None, registry: RegistryOptions | None = None
    ) -> DirectoryDestination:
        """Begin to write a folder. Raises `InvalidArchive` for one that holds something else."""
        return cls(Path(location.path))

    @property
    def staging(self) -> BlobStore | None:
        return self._stage

    def put_blob(self, blob: Blob, task: Task) -> str:
        copied = 0

        def advance(size: int) -> None:
            nonlocal copied
            copied += size
            task.advance(size)

        with writing(f"the folder {self._folder}"):
            self._stage.add(blob, advance=advance)
        self._staged.add(blob.descriptor.digest)
        # A linked blob is there at once.
        task.advance(blob.descriptor.size - copied)
        return ""

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        self._has_root = self._has_root or root
        self._named |= named_digests(manifest)
        with writing(f"the folder {self._folder}"):
            (self._partial.path / ("manifest.json" if root else _child_name(manifest.digest))).write_bytes(manifest.raw)

    def commit(self) -> None:
        """Rename the folder into place."""
        if not self._has_root:
            raise Error(f"no image was written to the folder {self._folder}")
        with writing(f"the folder {self._folder}"):
            for digest in self._staged & self._named:
                self._stage.path_of(digest).rename(self._partial.path / digest.encoded)
            shutil.rmtree(self._partial.path / "blobs", ignore_errors=True)
            (self._partial.path / "version").write_bytes(_VERSION.encode())
            _check_target(self._folder)
            self._partial.commit_over(self._folder.absolute())

    def abort(self) -> None:
        self._partial.abort()


def _check_target(folder: Path) -> None:
    """Raise `InvalidArchive` unless a folder can be written: it is not there, or empty, or an image of skopeo's."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise InvalidArchive(f"cannot write an image to dir:{folder}: it is a file, not a folder")
    if any(not is_partial(name) for name in os.listdir(folder)) and not is_directory_image(folder):
        raise InvalidArchive(f"cannot write an image to dir:{folder}: the folder holds something else")
