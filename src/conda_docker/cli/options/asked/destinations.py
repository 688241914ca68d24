"""Where options say that an image and its layers go, and how to talk to the registries there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.arguments.layer_repository import LayerRepository
    from conda_docker.cli.terminal.output import Output
    from conda_docker.layers.stores.replaced import ReplacedImages
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location


def locations_of(
    outputs: Sequence[Location],
    names: Sequence[ImageReference],
    *,
    push: bool,
    load: bool,
    platforms: int,
    required: bool,
) -> list[Location]:
    """Return where the image goes, each place once; what is certain to fail later fails now.

    That it goes nowhere is an error where a place is `required`.
    """
    from python_docker.transports import Location
    from python_docker.transports.output import packing_of
    from python_docker.transports.table import INDEX_FORMS

    locations = [*outputs]
    for reference in names:
        locations += [Location.in_registry(reference)] if push else []
        locations += [Location("docker-daemon", "", str(reference.familiar))] if load else []
    if required and not locations:
        raise click.UsageError(
            "say where the image goes: -o image.tar (a file), --load (the local Docker or Podman), or --push with "
            "-i REGISTRY/NAME"
        )
    for location in locations:
        if platforms > 1 and not location.medium.holds_index:
            raise click.UsageError(f"{location} holds an image for one platform only; use {INDEX_FORMS}")
        if location.medium.is_file:
            packing_of(location.path)
            check_file(location.path)
    return list(dict.fromkeys(locations))


def pushed_names(names: Sequence[ImageReference]) -> list[ImageReference]:
    """Return names with the registries that images of these names are pushed to."""
    from python_docker.registry.source import reference_of
    from python_docker.transports import Location

    return [reference_of(Location.in_registry(name)) for name in names]


def check_no_folder(path: str | Path) -> None:
    """Raise a usage error for a folder in the place of a file."""
    if Path(path).is_dir():
        raise click.UsageError(f"cannot write {path}: it is a folder; name a file in it")


def check_file(path: str | Path) -> None:
    """Raise what is wrong where a file cannot be written, before anything is built.

    It is a usage error for a folder, and `NotFound` where the file's own is missing.
    """
    check_no_folder(path)
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise NotFound(f"cannot write {path}: there is no folder {folder}")


def check_apart(outputs: Iterable[tuple[str, Location | Path]]) -> None:
    """Raise a usage error for two outputs, each with its option, of which one would overwrite the other."""
    from python_docker.transports.shared_place import find_shared

    found = find_shared(outputs)
    if found is not None:
        raise click.UsageError(
            f"{found.first} and {found.second} would both be written to {found.place}, and the later one would replace "
            "the other; give each a file of its own"
        )


def check_kept(outputs: Iterable[tuple[str, Location | Path]], inputs: Iterable[tuple[str, Location | Path]]) -> None:
    """Raise a usage error for an output that would overwrite an input, each with its option."""
    from python_docker.transports.shared_place import find_overwritten

    found = find_overwritten(outputs, inputs)
    if found is not None:
        raise click.UsageError(
            f"{found.first} would overwrite an input: {found.second}; write to another place, or read a copy"
        )


def leave_stdout(console: Output, outputs: Iterable[tuple[str, Location | Path]], *, json: bool) -> None:
    """Have results go to standard error where one of the outputs, each with its option, goes to standard output.

    That is a usage error with `json`, which is for programs, and for an image on a terminal.
    """
    import sys

    from python_docker.transports.output import is_standard_output

    for called, place in outputs:
        path = place if isinstance(place, Path) else place.path
        if not path or not is_standard_output(path):
            continue
        if json:
            raise click.UsageError(f"--json and {called} would both be written to standard output; give one a file")
        if not isinstance(place, Path) and sys.stdout.isatty():
            raise click.UsageError(f"{called}: standard output is a terminal; name a file, or pass it on with | or >")
        console.leave_stdout()


def registry_of(location: Location, given: Mapping[str, Any]) -> RegistryOptions | None:
    """Return how to talk to the registry that a location names, as the options of a command say."""
    if location.transport != "docker":
        return None
    from conda_docker.cli.options.registries import registry_options

    return registry_options(location, insecure=given["insecure"], ca_bundle=given["cacert"], places=given.get("places"))


def reuses_replaced(locations: Sequence[Location], given: Mapping[str, Any]) -> bool:
    """Return whether layers of the images at some places are to be used again.

    Raises a usage error where none can be, and the command line asks for it.
    """
    if not given["cache_image"]:
        return False
    from conda_docker.layers.stores.replaced import replaceable

    asked = click.get_current_context().get_parameter_source("cache_image") is click.ParameterSource.COMMANDLINE
    if not replaceable(locations) and locations and asked:  # what a file declares is for those builds that can
        raise click.UsageError(
            f"--cache-image: the image in {locations[0]} cannot be reused; use --push, or -o with oci:DIR or "
            "docker://REF"
        )
    return True


def replaced_images(locations: Sequence[Location], given: Mapping[str, Any]) -> ReplacedImages | None:
    """Return the images at some places as a store of layers, where that is asked for."""
    if not reuses_replaced(locations, given):
        return None
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir
    from conda_docker.layers.stores.replaced import ReplacedImages, replaceable

    places = [] if given["offline"] else replaceable(locations)
    cache = CacheFolder(given["cache_dir"] or default_cache_dir())
    return ReplacedImages(places, cache, lambda location: registry_of(location, given))


def layer_repositories(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layer repositories, of options or else of conda's configuration, with how to talk to their registries.

    Raises `InvalidReference` for what the configuration has that is not one.
    """
    from conda_docker.build_options import to_repositories
    from conda_docker.channels.configuration import read_conda_configuration

    configuration = read_conda_configuration()

    def reachable(repository: LayerRepository) -> LayerRepository:
        from conda_docker.arguments.layer_repository import LayerRepository
        from python_docker.transports import Location

        return LayerRepository(repository.reference, registry_of(Location.in_registry(repository.reference), given))

    chosen = {
        option: given[option] or to_repositories(option, getattr(configuration, option))
        for option in ("cache_from", "cache_to")
    }
    if given["verify_cache"] and not chosen["cache_from"] and not given["cache_image"]:
        raise click.UsageError("--verify-cache is for layers of --cache-from or --cache-image; give one of these")
    return {option: tuple(map(reachable, repositories)) for option, repositories in chosen.items() if repositories}
