"""NewLayers: what one kind of content adds to an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from conda_docker.image.result import LayerReport, report_layer
from conda_docker.layers.member import Member
from python_docker.image.layer import Layer
from python_docker.spec.documents.image_config import History


class NewLayer(NamedTuple):
    """A layer with its history, and what is reported of it."""

    layer: Layer
    report: LayerReport

    @classmethod
    def of(
        cls,
        layer: Layer,
        history: History,
        *,
        members: Sequence[Member] = (),
        cached: bool = False,
        seconds: float = 0.0,
        always: bool = False,
    ) -> NewLayer:
        """Return a layer with a history; see `LayerReport` for the rest."""
        report = report_layer(layer, members, cached, seconds, always=always)
        return cls(Layer(layer.blob, layer.diff_id, history=(history,)), report)


class NewLayers(NamedTuple):
    """Layers, bottom first, and what the user should hear about them."""

    layers: tuple[NewLayer, ...] = ()
    notes: tuple[str, ...] = ()
