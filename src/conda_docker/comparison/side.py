"""read_side: what is to be compared, from its name: an image, a file that describes an environment, an environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.comparison.compare import Documents, Layer, Package, Side
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.table import kind_of
from conda_docker.environment.package_url import channel_of_url
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.errors import InvalidEnvironment
from conda_docker.image.provenance import copied_distributions, packages_of_layer, read_environments
from conda_docker.user_files import is_there
from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image
    from python_docker.registry.options import RegistryOptions
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

PYPI = "pypi"

_PATHS = ("/", "./", "../", "~")
_SUFFIXES = (".yml", ".yaml", ".lock", ".toml", ".txt", ".json")


def read_side(
    name: str,
    *,
    platform: Platform | None = None,
    registry: Callable[[Location], RegistryOptions | None] = lambda location: None,
) -> Side:
    """Return what `name` stands for: an environment's folder, a file, else any place that images are read from.

    `platform` chooses in what is for several (None: Linux on this machine's processor). A file that lists no exact
    packages is solved. Raises `NotFound` for a file that is missing, and what reading them raises.
    """
    path = Path(name)
    if (path / "conda-meta").is_dir():
        return _of_environment(name, "prefix", _locked(prefix=path, platform=platform))
    if path.is_file() and _describes_an_environment(path):
        return _of_environment(name, "file", _locked(file=path, platform=platform))
    if _names_a_file(name) and not is_there(path):
        raise NotFound(f"there is no file {name}")
    return _of_image(name, platform, registry)


def _names_a_file(name: str) -> bool:
    """Return whether `name` is clearly a path, so that no registry is asked for an image of that name.

    A repository may have such a suffix: `docker://NAME` and `NAME:TAG` are images.
    """
    return ":" not in name and (name.startswith(_PATHS) or name.endswith(_SUFFIXES))


def _describes_an_environment(path: Path) -> bool:
    try:
        kind_of(InputFile.read(path))
    except InvalidEnvironment:
        return False  # an archive is no text
    return True


def _locked(*, file: Path | None = None, prefix: Path | None = None, platform: Platform | None) -> LockedEnvironment:
    from conda_docker.resolution.lock import lock

    return lock(file=file, prefix=prefix, platform=platform)


def _of_environment(name: str, kind: str, environment: LockedEnvironment) -> Side:
    assert kind in ("prefix", "file")
    packages = [
        Package("conda", package.name, package.version, package.build, package.channel)
        for package in environment.packages
    ]
    packages += [Package("pypi", wheel.name, wheel.version, None, PYPI) for wheel in environment.wheels]
    if environment.installed is not None:
        copied = environment.installed.distributions
        packages += [Package("pypi", each.name, each.version) for each in copied]
    platform = str(platform_of_subdir(environment.subdir))
    return Side(name, "prefix" if kind == "prefix" else "file", platform, tuple(packages))


def _of_image(name: str, platform: Platform | None, registry: Callable[[Location], RegistryOptions | None]) -> Side:
    from python_docker.copying.choose import image_of
    from python_docker.transports import Location, open_source

    location = Location.parse(name, default_transport="docker")
    source = open_source(location, registry=registry(location))
    try:
        return side_of_image(name, image_of(source, platform))
    finally:
        source.close()


def side_of_image(name: str, image: Image) -> Side:
    """Return an image as a side that is called `name`. Reads its documents, and no layer."""
    manifest = image.manifest
    sizes = {
        str(manifest.config.digest): manifest.config.size,
        str(manifest.digest): len(manifest.raw),
    }
    return Side(
        name,
        "image",
        str(image.platform),
        _packages_of(image),
        tuple(_layers_of(image)),
        Documents(sizes),
    )


def _layers_of(image: Image) -> Iterable[Layer]:
    for layer in reversed(image.layers):
        names = tuple(package.name for package in packages_of_layer(layer))
        yield Layer(str(layer.digest), layer.size, names)


def _packages_of(image: Image) -> tuple[Package, ...] | None:
    """Return the packages of the topmost environment in an image, None where its history names none."""
    try:
        found = read_environments(image)[-1]
    except NotFound:
        return None
    packages = [
        Package("pypi", each.name, each.version, None, PYPI)
        if each.is_wheel
        else Package("conda", each.name, each.version, each.build, channel_of_url(each.url))
        for each in found.packages
    ]
    packages += [Package("pypi", name, version) for name, version in copied_distributions(image, found.prefix)]
    return tuple(packages)
