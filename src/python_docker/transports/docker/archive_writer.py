"""Writing docker archives that every reader knows: `docker load` of any release, skopeo, Podman, containerd.

One tar holds both forms: `manifest.json` with `repositories`, and an OCI image layout over the same blobs, which keeps
the image's own manifest and so its digest. Members are plain files; links and zstd are what some readers cannot take.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from python_docker.copying.copy import put_image
from python_docker.errors import Error, InvalidReference, UnsupportedFormat
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore, blob_path
from python_docker.progress import Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression
from python_docker.transports.blob_tar import BlobTar
from python_docker.transports.docker.v1 import write_v1
from python_docker.transports.location import Location
from python_docker.transports.oci.index import IMAGE_NAME, LAYOUT_MARKER, REF_NAME, write_index
from python_docker.transports.output import Output, StreamOutput, archive_output

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions


class ArchiveDestination:
    """Writes a docker archive to an output, as it comes: nothing is sought back or kept on disk.

    Takes any number of images: set `reference`, the name that the next one gets, between them. An image without a
    tag is written without a name.
    """

    formats: ClassVar[frozenset[ImageFormat]] = frozenset({ImageFormat.OCI, ImageFormat.DOCKER})
    # Docker reads zstd layers from 23.0 on.
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.NONE, Compression.GZIP})
    parallel: ClassVar[int] = 1
    takes_index: ClassVar[bool] = False

    def __init__(self, output: Output, reference: ImageReference | None = None) -> None:
        self.reference = reference
        self.further_names: tuple[ImageReference, ...] = ()
        self._tar = BlobTar(output)
        self._images: dict[Digest, tuple[Manifest, list[ImageReference]]] = {}

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None, registry: RegistryOptions | None = None
    ) -> ArchiveDestination:
        """Begin an archive that replaces the one at the location when it is complete.

        Raises `InvalidReference` when the location names an image by anything but a name.
        """
        if location.name is not None:
            reference = ImageReference.parse(location.name)
        return cls(archive_output(location.path), reference)

    @property
    def staging(self) -> BlobStore | None:
        return None

    def put_blob(self, blob: Blob, task: Task) -> str:
        return self._tar.put_blob(blob, task.advance)

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        if isinstance(manifest, Index):
            raise UnsupportedFormat("a docker archive cannot hold a multi-platform image: choose one with --platform")
        if not manifest.is_image:
            odd, what = (
                (manifest.layers[0], "first layer") if manifest.has_image_config else (manifest.config, "config")
            )
            raise UnsupportedFormat(
                f"a docker archive cannot hold {manifest.digest}, which is not an image: its {what} has the type "
                f"{odd.media_type[:120]!r}"
            )
        self._tar.put_file(blob_path(manifest.digest), manifest.raw)
        if root:
            _, references = self._images.setdefault(manifest.digest, (manifest, []))
            for name in (self.reference, *self.further_names):
                if name is not None and name.tag is not None and name not in references:
                    references.append(self._new_name(name.with_tag(name.tag)))

    def _new_name(self, reference: ImageReference) -> ImageReference:
        if any(reference in references for _, references in self._images.values()):
            raise InvalidReference(f"two images of one archive cannot both be called {reference.familiar}")
        return reference

    def commit(self) -> None:
        """Write what names the images, and complete the archive."""
        if not self._images:
            raise Error("the docker archive was given no image")
        images = list(self._images.values())
        self._tar.put_file("index.json", write_index(_descriptors(images)))
        self._tar.put_file("manifest.json", dump_json([_entry(manifest, names) for manifest, names in images]))
        self._tar.put_file("oci-layout", LAYOUT_MARKER)
        repositories: dict[str, dict[str, str]] = {}
        for manifest, names in images:
            # The top layer, as Docker 25 has it; the v1 layout that it belonged to is not there.
            top = (manifest.layers[-1] if manifest.layers else manifest.config).digest.encoded
            for name in names:
                repositories.setdefault(name.familiar_name, {})[str(name.tag)] = top
        if repositories:
            self._tar.put_file("repositories", dump_json(repositories))
        self._tar.commit()

    def abort(self) -> None:
        self._tar.abort()


def _descriptors(images: Sequence[tuple[Manifest, list[ImageReference]]]) -> list[Descriptor]:
    found: list[Descriptor] = []
    for manifest, names in images:
        annotations = [{IMAGE_NAME: str(name), REF_NAME: str(name.tag)} for name in names] or [{}]
        found.extend(
            Descriptor.new(manifest.media_type, manifest.digest, manifest.size, naming) for naming in annotations
        )
    return found


def _entry(manifest: Manifest, names: Sequence[ImageReference]) -> dict[str, object]:
    return {
        "Config": blob_path(manifest.config.digest),
        "RepoTags": [name.familiar for name in names] or None,
        "Layers": [blob_path(layer.digest) for layer in manifest.layers],
    }


def write_archive(images: Sequence[Image], target: str | os.PathLike[str] | BinaryIO, version: str = "v1.2") -> None:
    """Write images to an archive that `docker load` reads: to a file, which appears whole or not at all, or to an open
    file object, which need not be seekable.

    `version` is `v1.2`, or `v1` for the layout that Docker had before 1.10, and up to 24 wrote next to
    manifest.json. Raises `InvalidReference` for a name that Docker would refuse, `ValueError` for another version.
    """
    if version not in ("v1", "v1.2"):
        raise ValueError(f"docker archives have the versions v1 and v1.2, not {version!r}")
    named = [(image, image.reference if image.name else None) for image in images]
    output = archive_output(target) if isinstance(target, (str, os.PathLike)) else StreamOutput(target)
    try:
        if version == "v1":
            write_v1(named, output)
            return
        destination = ArchiveDestination(output)
        for image, reference in named:
            destination.reference = reference
            put_image(image, destination)
        destination.commit()
    except BaseException:
        output.abort()
        raise
