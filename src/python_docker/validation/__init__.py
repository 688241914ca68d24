"""Validation: whether an image is what its documents say, and whether everybody can use it.

Sources: image-spec; distribution-spec; Docker's image manifest version 2, schema 2; what Docker Engine 20.10 refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from python_docker.argument_types import check_method, check_type
from python_docker.errors import Error
from python_docker.progress import SILENT, Progress
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.validation.report import Problem, Report, Severity, error
from python_docker.validation.run import Validation

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.transports.medium import Source

__all__ = ["Problem", "Report", "Severity", "validate", "validate_source", "validate_sources"]


def validate(image: Image, *, layers: bool = True, progress: Progress = SILENT) -> Report:
    """Check an image: every digest, size, diff ID and media type, its history, config, and what its layers hold.

    Never raises for what is wrong with the image, but says so in the report. `layers` False reads no layer: nothing
    but the documents is checked then.

    >>> from python_docker import Image
    >>> image = Image("hello", "v1")
    >>> layer = image.add_layer_contents({"/greeting": b"hello"})
    >>> validate(image).ok
    True
    """
    from python_docker.image import Image

    check_type("image", image, Image, "open_image opens one by its name")
    check_type("layers", layers, bool)
    check_method("progress", progress, "start")
    validation = Validation(layers, progress)
    try:
        manifest, config = image.manifest, image.config_blob
    except Error as failure:
        validation.note("the image", [error(str(failure))])
        return validation.report()
    blobs = {layer.digest: layer.blob for layer in image.layers} | {config.descriptor.digest: config}

    def get_blob(descriptor: Descriptor) -> Blob:
        return blobs[descriptor.digest].describe(descriptor)

    validation.check_manifest(manifest, get_blob)
    return validation.report()


def validate_source(source: Source, *, layers: bool = True, progress: Progress = SILENT) -> Report:
    """Check what a source holds, as `validate` does: an image, an index with all that it names, or another artifact.

    Of what is not an image digests and sizes are checked: what else it may hold is for others to know. Raises
    `RegistryError` for a registry that has no such image, or does not give it.
    """
    return validate_sources({"": source}, layers=layers, progress=progress)


def validate_sources(sources: Mapping[str, Source], *, layers: bool = True, progress: Progress = SILENT) -> Report:
    """Check several images of one place, each called by its key in the report; what they share is read once."""
    validation = Validation(layers, progress)
    for name, source in sources.items():
        validation.check_source(source, f"{name}: " if name else "")
    return validation.report()
