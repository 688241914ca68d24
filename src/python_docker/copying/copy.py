"""Copying: any manifest, or an index of them, from a `Source` to a `Destination`, streamed and byte for byte.

Only what must change on the way is understood: images, when they are converted.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from python_docker.argument_types import check_method, check_optional, check_type
from python_docker.copying.attached import copy_referrers, look_ahead
from python_docker.copying.choose import MAX_DEPTH, image_of, manifest_of
from python_docker.copying.conversion import AS_IT_IS, Conversion, convert_image
from python_docker.copying.names import name_blobs
from python_docker.copying.transfer import Transfer, put_blobs
from python_docker.errors import InvalidDocument, NotFound, UnsupportedFormat
from python_docker.image.blob import Blob
from python_docker.progress import SILENT, NamesBlobs, Progress
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import INDEXES, MANIFESTS, ImageFormat
from python_docker.spec.platform import Platform
from python_docker.transports.medium import JoinsSource, TakesReferrers
from python_docker.transports.table import INDEX_FORMS, title_of

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.transports.location import Location
    from python_docker.transports.medium import Destination, Source

__all__ = [
    "AS_IT_IS",
    "Conversion",
    "copy_image",
    "copy_index",
    "copy_manifest",
    "put_image",
    "send_image",
]

_log = logging.getLogger("python_docker")


def copy_image(
    source: str | Location,
    destination: str | Location,
    *,
    platform: Platform | str | None = None,
    all_platforms: bool = False,
    conversion: Conversion = AS_IT_IS,
    referrers: bool | None = None,
    source_registry: RegistryOptions | None = None,
    destination_registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Manifest | Index:
    """Copy an image, or any other artifact, between two locations (see `python_docker.transports`).

    Returns its manifest as it was written. Of a multi-platform image, the one for `platform` (Linux on this machine's
    processor when it is None), or, with `all_platforms`, all of it. Digests stay as they are unless `conversion` or
    the destination demands otherwise. The destination is changed only when everything has arrived.

    With `referrers`, what is attached to the image goes with it (bills of materials, provenance, signatures); None:
    where both places hold such documents and the image keeps its digest. Raises `UnsupportedFormat` where they are
    asked for and cannot go.
    """
    from python_docker.transports.location import Location
    from python_docker.transports.opening import destination as open_for_writing
    from python_docker.transports.opening import open_source

    for name, place in (("source", source), ("destination", destination)):
        check_type(name, place, (Location, str), "such as 'oci:FOLDER:TAG' or 'docker://REFERENCE'")
    platform = Platform.parse(platform) if isinstance(platform, str) else platform
    check_optional("platform", platform, Platform)
    for name, options in (("source_registry", source_registry), ("destination_registry", destination_registry)):
        if options is not None:
            from python_docker.registry.access.options import RegistryOptions

            check_type(name, options, RegistryOptions)
    check_type("all_platforms", all_platforms, bool)
    check_type("conversion", conversion, Conversion)
    check_optional("referrers", referrers, bool)
    check_method("progress", progress, "start")
    opened = open_source(source, registry=source_registry)
    try:
        root = opened.root()
        with open_for_writing(destination, reference=opened.reference, registry=destination_registry) as target:
            if isinstance(target, JoinsSource):
                target.join(opened)
            if isinstance(root, Index) and all_platforms:
                copied: dict[Digest, Manifest | Index] = {}
                index = copy_index(opened, root, target, conversion=conversion, progress=progress, written=copied)
                copy_referrers(opened, target, copied | {root.digest: index}, wanted=referrers, progress=progress)
                return index
            if platform is not None and isinstance(root, Manifest):
                # Only its config says what it is for.
                image_of(opened, platform, root)
            original, _ = manifest_of(opened, platform, root)
            if referrers is not False and conversion == AS_IT_IS and isinstance(target, TakesReferrers):
                look_ahead(opened, [original.digest])
            manifest = copy_manifest(opened, original, target, conversion=conversion, progress=progress)
            copy_referrers(opened, target, {original.digest: manifest}, wanted=referrers, progress=progress)
            return manifest
    finally:
        opened.close()


@dataclass(slots=True)
class _IndexCopy:
    """One copy of an index with all that it names; what several indexes name is copied once."""

    source: Source
    destination: Destination
    conversion: Conversion
    progress: Progress
    written: dict[Digest, Manifest | Index] = field(default_factory=dict)

    def copy(self, index: Index, *, root: bool, depth: int = 1) -> Index:
        if depth > MAX_DEPTH:
            raise UnsupportedFormat(f"index {index.digest} holds indexes more than {MAX_DEPTH} deep")
        children = [self._child(descriptor, depth) for descriptor in index.manifests]
        image_format = self.conversion.format_for(index.format, self.destination)
        if list(index.manifests) != children or image_format is not index.format:
            value = index.value()
            if image_format is ImageFormat.DOCKER:
                for key in ("annotations", "subject", "artifactType"):
                    value.pop(key, None)
            value |= {"mediaType": image_format.index_type, "manifests": [child.to_json() for child in children]}
            index = Index.build(value)
        self.destination.put_manifest(index, root=root)
        return index

    def _child(self, descriptor: Descriptor, depth: int) -> Descriptor:
        if descriptor.media_type not in MANIFESTS | INDEXES:
            # Any blob may stand in an index (image-spec, image-index.md).
            put_blobs([self.source.blob(descriptor)], self.destination, self.progress)
            return descriptor
        written = self.written.get(descriptor.digest)
        if written is None:
            written = self.written[descriptor.digest] = self._copy(descriptor, depth)
        if written.digest == descriptor.digest:
            return descriptor
        return descriptor.replace(media_type=written.media_type, digest=written.digest, size=written.size)

    def _copy(self, descriptor: Descriptor, depth: int) -> Manifest | Index:
        try:
            child = self.source.child(descriptor)
        except NotFound as missing:
            what = f"for {platform}" if (platform := descriptor.get_platform()) else str(descriptor.digest)
            raise NotFound(f"{missing}: the index names an image {what}, which is not there") from missing
        if isinstance(child, Index):
            return self.copy(child, root=False, depth=depth + 1)
        conversion = self.conversion if child.is_image else AS_IT_IS
        return copy_manifest(
            self.source, child, self.destination, conversion=conversion, progress=self.progress, root=False
        )


def copy_index(
    source: Source,
    index: Index,
    destination: Destination,
    *,
    conversion: Conversion = AS_IT_IS,
    progress: Progress = SILENT,
    written: dict[Digest, Manifest | Index] | None = None,
) -> Index:
    """Copy an index with all that it names; attestations and other artifacts among that are never converted.

    `written` takes in what each manifest in it has become, by the digest that it had.

    Raises `UnsupportedFormat` where the destination can hold no index, `NotFound` for what the source lacks.
    """
    if not destination.takes_index:
        raise UnsupportedFormat(
            f"{title_of(destination)} cannot hold a multi-platform image: choose a platform with --platform, or use "
            f"{INDEX_FORMS}"
        )
    copied = {} if written is None else written
    return _IndexCopy(source, destination, conversion, progress, copied).copy(index, root=True)


def copy_manifest(
    source: Source,
    manifest: Manifest,
    destination: Destination,
    *,
    conversion: Conversion = AS_IT_IS,
    progress: Progress = SILENT,
    root: bool = True,
) -> Manifest:
    """Copy a manifest and its blobs, whatever they are; returns the manifest as it was written.

    Raises `UnsupportedFormat` when something that is not an image is to be converted.
    """
    originals = {descriptor.digest: descriptor for descriptor in (*manifest.layers, manifest.config)}

    def get_blob(descriptor: Descriptor) -> Blob:
        # By the descriptor that the source knows: a foreign layer's says where else it is.
        return source.blob(originals[descriptor.digest]).describe(descriptor)

    if conversion.foreign and manifest.is_image:
        manifest = manifest.with_ordinary_layers()
    if not manifest.is_image:
        if conversion.asks_for_change(manifest):
            raise UnsupportedFormat(
                f"{manifest.digest} is not an image, so that it cannot be converted: its config has the type "
                f"{manifest.config.media_type[:120]!r}"
            )
    elif conversion.recompresses(manifest, destination):
        from python_docker.image import Image

        image = Image.from_manifest(manifest, get_blob)
        return put_image(image, destination, conversion=conversion, progress=progress, root=root)
    else:
        image_format = conversion.format_for(manifest.format, destination)
        if image_format is not manifest.format:
            manifest = manifest.retyped(image_format)
    blobs = _blobs(manifest, get_blob)
    if manifest.is_image and isinstance(progress, NamesBlobs):
        blobs[-1] = _read_config(blobs[-1], manifest, progress)
    put_blobs(blobs, destination, progress)
    destination.put_manifest(manifest, root=root)
    return manifest


def _read_config(config: Blob, manifest: Manifest, progress: Progress) -> Blob:
    """Return the config as a blob that is not read from the source again, after `progress` has names for the layers."""
    from python_docker.spec.documents.image_config import ImageConfig

    try:
        content = config.read()
        name_blobs(progress, manifest, ImageConfig.parse(content))
    except InvalidDocument as error:
        # It is copied as it is, whatever it says.
        _log.info("the config %s cannot be read: %s", config.descriptor.digest, error)
        return config
    return replace(config, opener=lambda: io.BytesIO(content))


def _blobs(manifest: Manifest, get_blob: Callable[[Descriptor], Blob]) -> list[Blob]:
    """Return what a manifest names, without the foreign layers that the source does not hold either."""
    blobs: list[Blob] = []
    for descriptor in (*manifest.layers, manifest.config):
        try:
            blobs.append(get_blob(descriptor))
        except NotFound:
            if not descriptor.is_elsewhere:
                raise
            _log.info("layer %s is not copied: its descriptor says where it is", descriptor.digest)
    return blobs


def put_image(
    image: Image,
    destination: Destination,
    *,
    conversion: Conversion = AS_IT_IS,
    progress: Progress | None = None,
    root: bool = True,
) -> Manifest:
    """Write one image to a destination, which the caller commits; returns the manifest as it was written."""
    with Transfer(destination, progress or SILENT) as transfer:
        return send_image(image, transfer, conversion=conversion, root=root)


def send_image(image: Image, transfer: Transfer, *, conversion: Conversion = AS_IT_IS, root: bool = True) -> Manifest:
    """Write one image to the destination of a transfer, by which some of its layers may have left before."""
    destination = transfer.destination
    written = convert_image(image, destination, conversion, transfer.progress)
    manifest = written.manifest
    name_blobs(transfer.progress, manifest, written.config_file)
    layers = [layer.with_format(written.format).blob for layer in reversed(written.layers)]
    transfer.put([*layers, written.config_blob.describe(manifest.config)])
    destination.put_manifest(manifest, root=root)
    return manifest
