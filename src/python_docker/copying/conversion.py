"""Conversion: what changes on the way to a destination, because it was asked for or because it cannot be kept there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from python_docker.argument_types import check_number, check_type
from python_docker.errors import UnsupportedFormat
from python_docker.parallel import in_parallel
from python_docker.spec.media_types import ImageFormat, layer_compression
from python_docker.streams.compression import Compression, check_level, to_written
from python_docker.transports.table import title_of

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.progress import Progress
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.transports.medium import Destination

_log = logging.getLogger("python_docker")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a copy changes on the way; None leaves it as it is wherever the destination can keep that.

    >>> Conversion(compression=Compression.ZSTD, level=9)
    Conversion(format=None, compression=<Compression.ZSTD: 'zstd'>, level=9, foreign=False)
    """

    format: ImageFormat | None = None
    compression: Compression | None = None
    level: int | None = None
    foreign: bool = False
    """Whether foreign layers are copied too, as ordinary ones. They stay where their URLs say otherwise."""

    def __post_init__(self) -> None:
        if self.format is not None:
            if self.format not in tuple(ImageFormat):
                raise ValueError(f"format must be one of {', '.join(ImageFormat)}, not {repr(self.format)[:80]}")
            object.__setattr__(self, "format", ImageFormat(self.format))
        if self.compression is not None:
            object.__setattr__(self, "compression", to_written("compression", self.compression))
        if self.level is not None:
            check_number("level", self.level, least=1)
            if self.compression is not None:
                check_level(self.compression, self.level)
        check_type("foreign", self.foreign, bool)

    def asks_for_change(self, manifest: Manifest) -> bool:
        """Return whether the manifest is in another form than the one that was asked for."""
        if self.format not in (None, manifest.format):
            return True
        return any(
            current is not None and self.compression not in (None, current)
            for current in (layer_compression(layer.media_type) for layer in manifest.layers)
        )

    def recompresses(self, manifest: Manifest, destination: Destination) -> bool:
        """Return whether layers must be compressed anew, or unpacked. Raises `UnsupportedFormat`."""
        return any(
            self.compression_for(layer_compression(layer.media_type), destination) is not None
            for layer in manifest.layers
        )

    def format_for(self, current: ImageFormat, destination: Destination) -> ImageFormat:
        """Return the format to write an image in that has format `current`. Raises `UnsupportedFormat`."""
        wanted = self.format or current
        if wanted in destination.formats:
            return wanted
        if self.format is not None:
            raise UnsupportedFormat(f"{title_of(destination)} cannot hold an image in the {self.format} format")
        return next(iter(destination.formats))

    def compression_for(self, current: Compression | None, destination: Destination) -> Compression | None:
        """Return the compression to give a layer, None when it stays as it is (as do blobs that are not layers).

        What a destination cannot keep is unpacked rather than packed anew: that is several times as fast, and every
        reader takes it. Raises `UnsupportedFormat` for what was asked for and cannot be had there.
        """
        if current is None:
            return None
        wanted = self.compression
        if wanted is None:
            if current in destination.compressions:
                return None
            return Compression.NONE if Compression.NONE in destination.compressions else Compression.GZIP
        if wanted not in destination.compressions:
            raise UnsupportedFormat(f"{title_of(destination)} cannot hold {wanted} layers")
        return None if wanted is current else wanted


AS_IT_IS = Conversion()


def convert_image(image: Image, destination: Destination, conversion: Conversion, progress: Progress) -> Image:
    """Return the image in a form that the destination can keep: the image itself where it has such a form."""
    image_format = conversion.format_for(image.format, destination)
    # Judged by the media types alone: what is not a layer stays as it is, and is not even looked at.
    current = [layer_compression(layer.descriptor.media_type) for layer in image.layers]
    wanted = [conversion.compression_for(compression, destination) for compression in current]
    if image_format is image.format and not any(wanted):
        return image
    if conversion.compression is None and any(wanted):
        lost = sorted({str(have) for have, want in zip(current, wanted, strict=True) if want})
        how = "uncompressed" if Compression.NONE in wanted else "compressed by gzip"
        _log.warning("layers are written %s: the destination cannot hold %s", how, " and ".join(lost))
    if Compression.ZSTD in (want or compression for want, compression in zip(wanted, current, strict=True)):
        if conversion.format is ImageFormat.DOCKER:
            raise UnsupportedFormat(
                "zstd layers cannot be written in the docker image format; use gzip, or the oci format"
            )
        image_format = ImageFormat.OCI

    def converted(number: int) -> Layer:
        from python_docker.spec.documents.history import layer_title

        layer, compression = image.layers[number], wanted[number]
        if compression is None:
            return layer
        what = "unpack" if compression is Compression.NONE else str(compression)
        task = progress.start(f"{what} {layer_title(layer.history) or layer.digest.short}", None)
        store = destination.staging
        result = layer.compressed(
            compression, conversion.level, writer=store.writer() if store else None, advance=task.advance
        )
        task.finish()
        return result

    layers = in_parallel([partial(converted, number) for number in range(len(image.layers))], 2)
    return image.with_layers(layers, image_format)
