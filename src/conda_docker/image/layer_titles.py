"""layer_title: what people may call a layer, as its history says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conda_docker.image.provenance import packages_of_layer

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer

_LONGEST = 60
# What builders of Dockerfiles put around an instruction.
_WRAPPING = re.compile(
    r"^(?:RUN )?(?:\|\d+ .*?)?/bin/(?:sh|bash)(?: -[a-z]+)+ (?:#\(nop\) *)?|\s*# buildkit$|^conda-docker: "
)


def layer_title(layer: Layer) -> str:
    """Return a short name for a layer: its packages, or the instruction that made it; empty where nothing is said.

    >>> from python_docker.image import Image
    >>> image = Image()
    >>> layer = image.add_layer_contents({"/a": b""})
    >>> layer_title(layer)
    'add_layer_contents'
    """
    names = [package.name for package in packages_of_layer(layer)]
    if names:
        return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
    stated = next((entry.created_by for entry in layer.history if entry.created_by), "")
    text = " ".join(_WRAPPING.sub("", stated).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def blob_titles(image: Image) -> dict[str, str]:
    """Return what the blobs of an image are called in progress, by the short digests that they go by there.

    Layers that nothing is said of are called by their numbers, the lowest 1.
    """
    titles: dict[str, str] = {}
    for number, layer in enumerate(reversed(image.layers), 1):
        titles.setdefault(layer.digest.short, layer_title(layer) or f"layer {number}")
    return titles | {image.id.short: "config", image.digest.short: "manifest"}
