"""open_side: what is to be compared, from its name: an image, a file that describes an environment, an environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.comparison.compare import Documents, Layer, Package, Side
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.table import kind_of
from conda_docker.environment.packages.package_url import channel_of_url
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.provenance.reading import copied_distributions, packages_of_layer, read_environments
from conda_docker.user_files import is_folder, is_there
from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

    Registry = Callable[[Location], RegistryOptions | None]

PYPI = "pypi"

_PATHS = ("/", "./", "../", "~")
_SUFFIXES = (".yml", ".yaml", ".lock", ".toml", ".txt", ".json")


@dataclass(frozen=True, slots=True)
class Opened:
    """What is to be compared, ready to be read for any platform."""

    name: str
    subdirs: tuple[str, ...]
    """Of a lock file: subdirs that it has packages for and images do not run, such as `osx-64`."""
    platforms: tuple[Platform, ...]
    """Those that a lock file or an index names; empty for what is of one platform, or is solved for any."""
    read: Callable[[Platform | None], Side]
    """Read it for a platform (None: Linux on this machine's processor, or the only one)."""


@contextmanager
def open_side(name: str, *, registry: Registry = lambda location: None) -> Iterator[Opened]:
    """Open what `name` stands for: an environment's folder, a file, else any place that images are read from.

    A file that lists no exact packages is solved when it is read. Raises `NotFound` for a file that is missing, and
    what reading them raises.
    """
    path = Path(name)
    if is_folder(path / "conda-meta"):
        yield Opened(
            name, (), (), lambda platform: _of_environment(name, "prefix", _locked(prefix=path, platform=platform))
        )
    elif path.is_file() and (found := _described_in(path)) is not None:
        platforms, others = found
        yield Opened(
            name,
            others,
            platforms,
            lambda platform: _of_environment(name, "file", _locked(file=path, platform=platform)),
        )
    elif _names_a_file(name) and not is_there(path):
        raise NotFound(f"there is no file {name}")
    else:
        with _opened_image(name, registry) as opened:
            yield opened


def read_side(name: str, *, platform: Platform | None = None, registry: Registry = lambda location: None) -> Side:
    """Return what `name` stands for, as `open_side` takes it, for one platform (None: as `Opened.read`)."""
    with open_side(name, registry=registry) as opened:
        return opened.read(platform)


def _names_a_file(name: str) -> bool:
    """Return whether `name` is clearly a path, so that no registry is asked for an image of that name.

    A repository may have such a suffix: `docker://NAME` and `NAME:TAG` are images.
    """
    return ":" not in name and (name.startswith(_PATHS) or name.endswith(_SUFFIXES))


def _described_in(path: Path) -> tuple[tuple[Platform, ...], tuple[str, ...]] | None:
    """Return what a lock file is for: platforms, and subdirs that no image has; None for other files."""
    try:
        file = InputFile.read(path)
        kind = kind_of(file)
    except InvalidEnvironment:
        return None  # an archive
    platforms, others = [], []
    for subdir in sorted(kind.subdirs(file)):
        try:
            platforms.append(platform_of_subdir(subdir))
        except UnsupportedInput:
            others.append(subdir)
    return tuple(platforms), tuple(others)


def _locked(*, file: Path | None = None, prefix: Path | None = None, platform: Platform | None) -> LockedEnvironment:
    from conda_docker.resolution.lock import lock

    return lock(file=file, prefix=prefix, platform=platform)


def _of_environment(name: str, kind: str, environment: LockedEnvironment) -> Side:
    assert kind in ("prefix", "file")
    packages = [
        Package("conda", package.name, package.version, package.build, package.channel)
        for package in environment.packages
    ]
    packages += [Package("pypi", wheel.name, wheel.version, None, PYPI, wheel.sha256) for wheel in environment.wheels]
    if environment.installed is not None:
        copied = environment.installed.distributions
        packages += [Package("pypi", each.name, each.version) for each in copied]
    platform = str(platform_of_subdir(environment.subdir))
    return Side(name, "prefix" if kind == "prefix" else "file", platform, tuple(packages))


@contextmanager
def _opened_image(name: str, registry: Registry) -> Iterator[Opened]:
    from python_docker.copying.choose import image_of, platforms_of
    from python_docker.spec.documents.manifest import Index
    from python_docker.transports import Location, open_source

    location = Location.parse(name, default_transport="docker")
    source = open_source(location, registry=registry(location))
    try:
        root = source.root()
        platforms = platforms_of(source, root) if isinstance(root, Index) else ()
        yield Opened(name, (), platforms, lambda platform: side_of_image(name, image_of(source, platform, root)))
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
        Package("pypi", each.name, each.version, None, PYPI, each.hash and each.hash.removeprefix("sha256:"))
        if each.is_wheel
        else Package("conda", each.name, each.version, each.build, channel_of_url(each.url))
        for each in found.packages
    ]
    packages += [Package("pypi", name, version) for name, version in copied_distributions(image, found.prefix)]
    return tuple(packages)
