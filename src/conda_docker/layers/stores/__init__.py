"""Stores of layers: where a layer that was made once is found again by its key.

The key (`conda_docker.layers.recipe`) is a digest of all that the bytes of a layer depend on, so that a store never
has to ask how a layer was made, and any two that have it have the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from conda_docker.layers.facts import LayerFacts
    from python_docker.image.layer import Layer


class Entry(NamedTuple):
    """A layer in a store, with all inputs of its key, and what was found while it was made."""

    inputs: Mapping[str, Any]
    layer: Layer
    facts: LayerFacts


class LayerStore(Protocol):
    """A place that has layers by their keys."""

    def expect(self, keys: Sequence[str]) -> None:
        """Hear which layers will be asked for, so that a store that is far away can look them up at once."""

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """Return the layer of a key, and what was found while it was made; None when it is not there, or damaged."""

    def confirm(self, layer: Layer) -> None:
        """Ask whether a layer that `get` gave is there in the size that its entry says, and read nothing of it.

        Raises `NotFound` or `ContentMismatch` where it is not, another `Error` where that cannot be asked.
        """

    def drop(self, key: str, layer: Layer) -> None:
        """Hear that the layer of a key is not what its entry says, so that it is not given again, and can be put."""

    def note(self, key: str) -> str | None:
        """Return a note about packages that was kept with the layers of an environment, None when there is none."""


class WritableLayerStore(LayerStore, Protocol):
    """A place that keeps layers by their keys."""

    def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any]) -> Layer:
        """Keep a layer under its key, and return it as the store has it. Raises `Error` when it cannot be kept."""

    def keep_plan(self, keys: Sequence[str], entries: Mapping[str, Entry], notes: Mapping[str, str]) -> None:
        """Keep what all layers of an environment are, by the keys that are asked for first. Raises `Error`."""
