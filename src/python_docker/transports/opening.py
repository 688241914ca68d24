"""Opening what a location names: the two ends of a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from python_docker.argument_types import check_type

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.reference import ImageReference
    from python_docker.transports.location import Location
    from python_docker.transports.medium import Destination, Source


class _Opens(Protocol):
    """How the class of a medium is made, the source's or the destination's."""

    def open(self, location: Location, *arguments: object) -> object: ...


def _class(path: str) -> _Opens:
    """Import the class that a row of the table names."""
    module, _, name = path.partition(":")
    opens: _Opens = getattr(import_module(module), name)
    return opens


def open_source(location: str | Location, *, registry: RegistryOptions | None = None) -> Source:
    """Open what a location names, to read from. Close it after use.

    Raises `InvalidReference` for what is not a location, `NotFound` when nothing is there.
    """
    place = _parse(location, "docker", registry)
    return cast("Source", _class(place.medium.source).open(place, registry))


def open_sources(location: str | Location, *, registry: RegistryOptions | None = None) -> dict[str, Source]:
    """Open each image that a location holds, by its number and name; for the only one the name is empty.

    Close them after use. Raises what `open_source` raises.
    """
    place = _parse(location, "docker")
    open_all = getattr(_class(place.medium.source), "open_all", None)
    if open_all is None or place.name is not None:
        return {"": open_source(place, registry=registry)}
    return cast("dict[str, Source]", open_all(place))


def open_destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Destination:
    """Open what a location names, to write to: finish with `commit` or `abort`.

    `reference` is the name that the image gets where the location gives none. Raises `InvalidReference` for what is
    not a location, or names no image where one is needed.
    """
    place = _parse(location, registry=registry)
    return cast("Destination", _class(place.medium.destination).open(place, reference, registry))


def destination_class(location: Location) -> type[Destination]:
    """Return the class that writes to a location; it says what can be kept there."""
    return cast("type[Destination]", _class(location.medium.destination))


def _parse(
    location: str | Location, default_transport: str | None = None, registry: RegistryOptions | None = None
) -> Location:
    from python_docker.transports.location import Location

    if registry is not None:
        from python_docker.registry.access.options import RegistryOptions

        check_type("registry", registry, RegistryOptions)

    if isinstance(location, Location):
        return location
    if not isinstance(location, str):
        check_type("location", location, str, "such as 'oci:FOLDER:TAG' or 'docker://REFERENCE'")
    domain = None if registry is None else registry.default_domain
    return Location.parse(location, default_transport=default_transport, default_domain=domain)


@contextmanager
def destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Iterator[Destination]:
    """Yield a destination that is committed when the block ends, aborted when it raises."""
    opened = open_destination(location, reference=reference, registry=registry)
    try:
        yield opened
        opened.commit()
    except BaseException:
        opened.abort()
        raise
