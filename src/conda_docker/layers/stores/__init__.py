"""Stores of layers: where a layer that was made once is found again by its key.

The key (`conda_docker.layers.recipe`) is a digest of all that the bytes of a layer depend on, so that a store never
has to ask how a layer was made, and any two that have it have the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conda_docker.layers.facts import LayerFacts
    from python_docker.layer import Layer


class LayerStore(Protocol):
    """A place that has layers by their keys."""

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """Return the layer of a key, and what was found while it was made; None when it is not there, or damaged."""


class WritableLayerStore(LayerStore, Protocol):
    """A place that keeps layers by their keys."""

    def put(self, key: str, layer: Layer, facts: LayerFacts) -> None:
        """Keep a layer under its key. Raises `Error` when it cannot be kept."""
