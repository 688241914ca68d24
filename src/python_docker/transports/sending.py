"""How much of an image would be sent to a place, known before anything is written there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from python_docker.copying.transfer import keeps
from python_docker.transports import destination_class

if TYPE_CHECKING:
    from python_docker.image.blob import Blob
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.digest import Digest
    from python_docker.transports.location import Location


def bytes_to_send(
    layers: Sequence[Blob], location: Location, *, registry: RegistryOptions | None = None
) -> dict[Digest, int | None]:
    """Return how many bytes each of some layers comes to on its way to a place: none for those that are there.

    None stands for what is not known before: the size of a layer that is compressed anew, because the place cannot
    keep its compression. A registry is asked for each layer. Raises what asking raises, such as `RegistryError`.
    """
    unique = {layer.descriptor.digest: layer for layer in layers}
    destination = destination_class(location)
    changed = {digest for digest, layer in unique.items() if not keeps(destination, layer.descriptor)}
    as_they_are = [layer for digest, layer in unique.items() if digest not in changed]
    present = _present(location, as_they_are, registry)
    return {
        digest: None if digest in changed else 0 if digest in present else layer.descriptor.size
        for digest, layer in unique.items()
    }


def _present(location: Location, blobs: Sequence[Blob], registry: RegistryOptions | None) -> set[Digest]:
    if location.medium.present is None or not blobs:
        return set()
    module, _, name = location.medium.present.partition(":")
    ask: Callable[[Location, Sequence[Blob], RegistryOptions | None], set[Digest]]
    ask = getattr(import_module(module), name)
    return ask(location, blobs, registry)
