"""Places where an image went: what they are called, and the command that runs an image from there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.transports import Location

_PATIENCE = 2.0
"""Seconds that an engine may take to answer where it may only know what to advise."""
_NAMED = ("docker", "docker-daemon", "docker-archive")


def engine_of(locations: Iterable[Location]) -> str | None:
    """Return `Docker` or `Podman`, whichever images for `docker-daemon:` go to; None when none of these does."""
    if not any(location.transport == "docker-daemon" for location in locations):
        return None
    from python_docker.docker.engine import find_engine

    return find_engine().name.capitalize()


def place_in_engine(error: BaseException) -> str | None:
    """Return a sentence on an image that a registry did not give and the engine here has; None where it is not so."""
    from python_docker.docker.engine import find_engine
    from python_docker.errors import EngineError, NotFound, RegistryError

    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, RegistryError) and cause.image):
        cause = cause.__cause__
    if not isinstance(cause, RegistryError) or cause.image is None:
        return None
    try:
        engine = find_engine(patience=_PATIENCE)
        engine.inspect(cause.image)
    except (EngineError, NotFound):
        return None
    return f"{engine.name.capitalize()} here has an image of this name, which is docker-daemon:{cause.image}"


def describe_place(location: Location, engine: str | None) -> str:
    """Return what a place is called: an engine by its name.

    >>> from python_docker.transports import Location
    >>> describe_place(Location.parse("docker-daemon:demo:1.0"), "Podman")
    'Podman, as demo:1.0'
    >>> describe_place(Location.parse("oci:build:v1"), None)
    'oci:build:v1'
    """
    return f"{engine}, as {location.name}" if engine and location.transport == "docker-daemon" else str(location)


def image_name(image: str, locations: Sequence[Location]) -> str:
    """Return what the image is called where it went: the name of all places, where these have one; else `image`.

    >>> from python_docker.transports import Location
    >>> image_name("conda-docker:latest", [Location.parse("docker-archive:demo.tar:demo:1.0")])
    'demo:1.0'
    """
    # In a layout a name is a tag.
    references = [location.reference() if location.transport in _NAMED else None for location in locations]
    names = {reference.familiar if reference else image for reference in references}
    return names.pop() if len(names) == 1 else image


def run_command(image: str, locations: Sequence[Location], engine: str | None, ports: Sequence[str] = ()) -> str:
    """Return the command that runs the image, from the place that is nearest to running it.

    It is the command of the engine that has the image, else of the one that is installed, else Docker's. `ports` are
    those that the image listens on, such as `5000/tcp`, which it publishes.
    """
    from conda_docker.arguments.shell_word import shell_word
    from python_docker.transports.output import is_standard_output

    command = engine.lower() if engine else _installed_command()
    # What was piped into `docker load` has its name there.
    places = [location for location in locations if not location.path or not is_standard_output(location.path)]
    by_transport = {location.transport: location for location in reversed(places)}
    published = "".join(f" -p {port.partition('/')[0]}:{port.removesuffix('/tcp')}" for port in ports)
    run = f"{command} run --rm -it{published}"
    if daemon := by_transport.get("docker-daemon"):
        return f"{run} {daemon.name or image}"
    if archive := by_transport.get("docker-archive"):
        name = reference.familiar if (reference := archive.reference()) else image
        return f"{command} load -i {shell_word(archive.path)} && {run} {name}"
    if registry := by_transport.get("docker"):
        reference = registry.reference()
        return f"{run} {reference.familiar if reference else image}"
    layout = next(iter(by_transport.values()), None)
    if layout is None:
        return f"{run} {image_name(image, locations)}"
    return f"conda-docker copy {shell_word(str(layout))} docker-daemon:{image} && {run} {image}"


def _installed_command() -> str:
    import shutil

    path = os.environ.get("PATH")
    return "podman" if shutil.which("podman", path=path) and not shutil.which("docker", path=path) else "docker"
