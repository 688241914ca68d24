"""Names of python-docker 0.2 that images and layers keep, for programs that were written for it.

What does not work, and what to use instead, is in docs/earlier-releases.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from python_docker.streams.compression import Compression

if TYPE_CHECKING:
    import tarfile
    from typing import BinaryIO, Self

    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.image_config import ImageConfig
    from python_docker.spec.documents.manifest import Manifest


class EarlierLayer:
    """Properties of a layer that hold it in memory; `Layer.open` and `Layer.entries` need none."""

    if TYPE_CHECKING:
        # What a layer has.
        @property
        def digest(self) -> Digest: ...
        @property
        def diff_id(self) -> Digest: ...
        @property
        def size(self) -> int: ...
        @property
        def compression(self) -> Compression: ...
        def open(self) -> BinaryIO: ...
        def open_uncompressed(self) -> BinaryIO: ...
        def compressed(self, compression: Compression) -> Self: ...

    @property
    def content(self) -> bytes:
        """The tar, whole and in memory."""
        with self.open_uncompressed() as stream:
            return b"".join(iter(lambda: stream.read(1 << 20), b""))

    @property
    def _content(self) -> bytes:
        return self.content

    @property
    def checksum(self) -> str:
        """The diff ID's hexadecimal digits alone."""
        return self.diff_id.encoded

    @property
    def id(self) -> str:
        """A name for the layer of 64 hexadecimal digits: those of its digest."""
        return self.digest.encoded

    @property
    def compressed_content(self) -> bytes:
        """The layer compressed by gzip, whole and in memory: as it is stored, if it is stored so."""
        with self._gzipped().open() as stream:
            return b"".join(iter(lambda: stream.read(1 << 20), b""))

    @property
    def compressed_size(self) -> int:
        """How many bytes `compressed_content` has."""
        return self._gzipped().size

    @property
    def compressed_checksum(self) -> str:
        """The hexadecimal digits of the digest of `compressed_content`."""
        return self._gzipped().digest.encoded

    @property
    def tar(self) -> tarfile.TarFile:
        """The content as a tar of the standard library's."""
        return _open_tar(self.content, "r:")

    @property
    def targz(self) -> tarfile.TarFile:
        """The compressed content as a tar of the standard library's."""
        return _open_tar(self.compressed_content, "r:gz")

    def _gzipped(self) -> Self:
        return self if self.compression is Compression.GZIP else self.compressed(Compression.GZIP)


class EarlierImage:
    """Properties of an image as python-docker 0.2 had them."""

    if TYPE_CHECKING:
        # What an image has.
        @property
        def manifest(self) -> Manifest: ...
        @property
        def config_file(self) -> ImageConfig: ...

    @property
    def manifest_v2(self) -> dict[str, tuple[bytes, str]]:
        """The bytes of manifest and config, each with the hexadecimal digits of its digest."""
        manifest, config = self.manifest, self.config_file
        return {
            "manifest": (manifest.raw, manifest.digest.encoded),
            "config": (config.raw, config.digest.encoded),
        }


def _open_tar(content: bytes, mode: Literal["r:", "r:gz"]) -> tarfile.TarFile:
    import io
    import tarfile

    return tarfile.open(fileobj=io.BytesIO(content), mode=mode)
