"""Copying: an image, or an index of them, from a `Source` to a `Destination`, streamed, digests kept where possible."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from python_docker.blob import Blob
from python_docker.compression import Compression
from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.layer import Layer
from python_docker.progress import SILENT, Progress, Task
from python_docker.spec.documents import Descriptor, Index, Manifest
from python_docker.spec.media_types import ImageFormat, layer_compression
from python_docker.spec.platform import Platform
from python_docker.spec.platform_choice import select_platform
from python_docker.transports.table import INDEX_FORMS

if TYPE_CHECKING:
    from python_docker.http.options import RegistryOptions
    from python_docker.transports.location import Location
    from python_docker.transports.medium import Destination, Source

T = TypeVar("T")
_MAX_DEPTH = 4  # indexes in indexes; real ones have one level


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a copy changes on the way; None leaves it as it is wherever the destination can keep that."""

    format: ImageFormat | None = None
    compression: Compression | None = None
    level: int | None = None

    def changes(self, manifest: Manifest, destination: Destination) -> bool:
        """Whether an image must be written in another form than it has."""
        if self.format_for(manifest.format, destination) is not manifest.format:
            return True
        return any(
            self.compression_for(layer_compression(layer.media_type), destination) is not None
            for layer in manifest.layers
        )

    def format_for(self, current: ImageFormat, destination: Destination) -> ImageFormat:
        """The format to write an image in that has format `current`."""
        wanted = self.format or current
        if wanted in destination.formats:
            return wanted
        if self.format is not None:
            raise UnsupportedFormat(f"the {self.format} image format cannot be written there")
        return next(iter(destination.formats))

    def compression_for(self, current: Compression | None, destination: Destination) -> Compression | None:
        """The compression to give a layer, None when it stays as it is (as do blobs that are no layers)."""
        if current is None:
            return None
        wanted = self.compression
        if wanted is None:
            if current is Compression.NONE and destination.compress_plain:
                wanted = Compression.GZIP
            elif current in destination.compressions:
                wanted = current
            else:
                wanted = Compression.GZIP
        elif wanted not in destination.compressions:
            raise UnsupportedFormat(f"{wanted} layers cannot be written there")
        return None if wanted is current else wanted


AS_IT_IS = Conversion()


def copy_image(
    source: str | Location,
    destination: str | Location,
    *,
    platform: Platform | str | None = None,
    all_platforms: bool = False,
    conversion: Conversion = AS_IT_IS,
    source_registry: RegistryOptions | None = None,
    destination_registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Manifest | Index:
    """Copy an image between any two locations (see `python_docker.transports`); gives its manifest as it was written.

    Of a multi-platform image, the one for `platform` (Linux on this machine's processor when it is None), or, with
    `all_platforms`, all of it. Digests stay as they are unless `conversion` or the destination demands otherwise. The
    destination is changed only when everything has arrived.
    """
    from python_docker.transports import destination as open_for_writing
    from python_docker.transports import open_source

    if isinstance(platform, str):
        platform = Platform.parse(platform)
    opened = open_source(source, registry=source_registry)
    try:
        root = opened.root()
        with open_for_writing(destination, reference=opened.reference, registry=destination_registry) as target:
            if isinstance(root, Index) and all_platforms:
                return copy_index(opened, root, target, conversion=conversion, progress=progress)
            return put_image(image_of(opened, platform, root), target, conversion=conversion, progress=progress)
    finally:
        opened.close()


def image_of(source: Source, platform: Platform | None = None, root: Manifest | Index | None = None) -> Image:
    """The image of a source that is for `platform`. Raises `PlatformNotFound`."""
    found = source.root() if root is None else root
    alone = isinstance(found, Manifest)
    for _ in range(_MAX_DEPTH):
        if isinstance(found, Manifest):
            break
        found = source.child(select_platform(found, platform))
    if isinstance(found, Index):
        raise UnsupportedFormat(f"index {found.digest} holds indexes more than {_MAX_DEPTH} deep")
    reference = source.reference
    name, tag = (reference.familiar_name, reference.tag) if reference else ("", None)
    image = Image.from_manifest(found, source.blob, name=name, tag=tag)
    # Of an index, its descriptor decided; whether the config agrees is for `validate` to say.
    if platform is not None and alone and not platform.accepts(image.platform):
        raise PlatformNotFound(f"the image is for {image.platform}, not for {platform}")
    return image


def copy_index(
    source: Source,
    index: Index,
    destination: Destination,
    *,
    conversion: Conversion = AS_IT_IS,
    progress: Progress = SILENT,
    root: bool = True,
    depth: int = 0,
) -> Index:
    """Copy an index with all that it names. Raises `UnsupportedFormat` where the destination can hold no index."""
    if not destination.takes_index:
        raise UnsupportedFormat(
            f"a multi-platform image cannot be written there: choose one with --platform, or use {INDEX_FORMS}"
        )
    if depth >= _MAX_DEPTH:
        raise UnsupportedFormat(f"index {index.digest} holds indexes more than {_MAX_DEPTH} deep")
    children: list[Descriptor] = []
    for descriptor in index.manifests:
        child = source.child(descriptor)
        if isinstance(child, Index):
            written: Manifest | Index = copy_index(
                source, child, destination, conversion=conversion, progress=progress, root=False, depth=depth + 1
            )
        else:
            written = _copy_manifest(source, child, destination, conversion, progress)
        children.append(
            descriptor
            if written.digest == descriptor.digest
            else descriptor.replace(media_type=written.media_type, digest=written.digest, size=written.size)
        )
    image_format = conversion.format_for(index.format, destination)
    if list(index.manifests) != children or image_format is not index.format:
        value = index.value()
        if image_format is ImageFormat.DOCKER:
            for key in ("annotations", "subject", "artifactType"):
                value.pop(key, None)
        value |= {"mediaType": image_format.index_type, "manifests": [child.to_json() for child in children]}
        index = Index.build(value)
    destination.put_manifest(index, root=root)
    return index


def _copy_manifest(
    source: Source, manifest: Manifest, destination: Destination, conversion: Conversion, progress: Progress
) -> Manifest:
    """Copy what an index names: an image, or an attestation or other artifact, which is never converted."""
    is_image = all(layer_compression(layer.media_type) is not None for layer in manifest.layers)
    if is_image and conversion.changes(manifest, destination):
        return put_image(
            Image.from_manifest(manifest, source.blob),
            destination,
            conversion=conversion,
            progress=progress,
            root=False,
        )
    blobs = [source.blob(descriptor) for descriptor in (*manifest.layers, manifest.config)]
    put_blobs(blobs, destination, progress)
    destination.put_manifest(manifest, root=False)
    return manifest


def put_image(
    image: Image,
    destination: Destination,
    *,
    conversion: Conversion = AS_IT_IS,
    progress: Progress | None = None,
    root: bool = True,
) -> Manifest:
    """Write one image to a destination, which the caller commits; gives the manifest as it was written."""
    progress = progress or SILENT
    written = convert_image(image, destination, conversion, progress)
    manifest = written.manifest
    layers = [layer.with_format(written.format).blob for layer in reversed(written.layers)]
    put_blobs([*layers, written.config_blob.describe(manifest.config)], destination, progress)
    destination.put_manifest(manifest, root=root)
    return manifest


def convert_image(image: Image, destination: Destination, conversion: Conversion, progress: Progress) -> Image:
    """The image in a form that the destination can keep: the image itself where it has such a form."""
    image_format = conversion.format_for(image.format, destination)
    # Told by the media types alone: what is no layer stays as it is, and is not even looked at.
    current = [layer_compression(layer.descriptor.media_type) for layer in image.layers]
    wanted = [conversion.compression_for(compression, destination) for compression in current]
    if image_format is image.format and not any(wanted):
        return image
    if Compression.ZSTD in (want or compression for want, compression in zip(wanted, current, strict=True)):
        if conversion.format is ImageFormat.DOCKER:
            raise UnsupportedFormat(
                "zstd layers cannot be written in the docker image format; use gzip, or the oci format"
            )
        image_format = ImageFormat.OCI

    def converted(number: int) -> Layer:
        layer, compression = image.layers[number], wanted[number]
        if compression is None:
            return layer
        task = progress.start(f"{compression} {layer.digest.short}", None)
        store = destination.staging
        result = layer.compressed(
            compression, conversion.level, writer=store.writer() if store else None, advance=task.advance
        )
        task.finish()
        return result

    layers = in_parallel([partial(converted, number) for number in range(len(image.layers))], 2)
    return image.with_layers(layers, image_format)


def put_blobs(blobs: Sequence[Blob], destination: Destination, progress: Progress) -> None:
    """Put blobs, as many at once as the destination takes, each digest once."""
    unique = {blob.descriptor.digest: blob for blob in blobs}
    stop = threading.Event()

    def put(blob: Blob) -> None:
        task = progress.start(blob.descriptor.digest.short, blob.descriptor.size)
        task.finish(destination.put_blob(blob, _Stoppable(task, stop)))

    in_parallel([partial(put, blob) for blob in unique.values()], destination.parallel, stop)


class _Stoppable:
    """A task that ends the work it hears of as soon as that is in vain."""

    def __init__(self, task: Task, stop: threading.Event) -> None:
        self._task = task
        self._stop = stop

    def advance(self, size: int) -> None:
        if self._stop.is_set():
            raise CancelledError
        self._task.advance(size)

    def finish(self, outcome: str = "") -> None:
        self._task.finish(outcome)


def in_parallel(calls: Sequence[Callable[[], T]], workers: int, stop: threading.Event | None = None) -> list[T]:
    """The results of `calls` in their order, made by at most `workers` threads.

    After an error, or an interruption of this thread, no more are begun, and `stop` is set for those under way.
    """
    if workers <= 1 or len(calls) <= 1:
        return [call() for call in calls]
    stop = stop or threading.Event()

    def begin(call: Callable[[], T]) -> T:
        if stop.is_set():
            raise CancelledError
        try:
            return call()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(min(workers, len(calls)), thread_name_prefix="copy") as pool:
        futures = [pool.submit(begin, call) for call in calls]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Also when it is this thread that is interrupted.
            stop.set()
    for future in futures:
        error = future.exception()
        if error is not None and not isinstance(error, CancelledError):
            raise error
    return [future.result() for future in futures]
