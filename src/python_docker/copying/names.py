"""name_blobs: what the blobs of an image are called in progress, which would show their digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.progress import NamesBlobs, Progress

if TYPE_CHECKING:
    from python_docker.spec.documents.image_config import ImageConfig
    from python_docker.spec.documents.manifest import Manifest


def name_blobs(progress: Progress, manifest: Manifest, config: ImageConfig) -> None:
    """Tell `progress` what made each layer, as the history of the image says; nothing where it takes no names."""
    if not isinstance(progress, NamesBlobs):
        return
    from python_docker.spec.documents.history import layer_titles

    names = {manifest.digest.short: "manifest", manifest.config.digest.short: "config"}
    for layer, title in zip(manifest.layers, layer_titles(config.history, len(manifest.layers)), strict=True):
        names.setdefault(layer.digest.short, title)
    progress.name(names)
