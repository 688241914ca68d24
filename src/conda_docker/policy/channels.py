"""Which packages are from channels that are not allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel
    from conda_docker.provenance.installed import InstalledPackage
    from python_docker.image import Image

ANY_WHEEL = "pypi"
"""What allows wheels from anywhere, among the allowed channels."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package is from: `url` is its own, without credentials; `channel` is None for a wheel."""

    package: str
    url: str
    channel: str | None


def origins(members: Iterable[LockedPackage | LockedWheel]) -> Iterator[Origin]:
    """Yield the origins of packages that are to be installed."""
    from conda_docker.environment.packages.wheels import LockedWheel

    for member in members:
        channel = None if isinstance(member, LockedWheel) else member.channel or member.public_url
        yield Origin(member.stem, member.public_url, channel)


def installed_origins(packages: Iterable[InstalledPackage]) -> Iterator[Origin]:
    """Yield the origins of packages in an image, as its history names them."""
    from conda_docker.redaction import public_url

    for package in packages:
        url = public_url(package.url)
        name = f"{package.name}-{package.version}-{package.build}"
        yield Origin(name, url, None if package.is_wheel else url.rsplit("/", 2)[0])


def foreign_packages(packages: Iterable[Origin], allowed: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each package from elsewhere than the allowed channels; without any, all are allowed.

    `allowed` are URLs of channels, or names as conda's configuration has them; for wheels, the beginnings of URLs, or
    `pypi` for any.
    """
    if not allowed:
        return
    from conda_docker.channels.configuration import read_conda_configuration
    from conda_docker.channels.urls import channel_urls
    from conda_docker.redaction import public_url

    names = [name for name in allowed if name != ANY_WHEEL]
    urls = tuple(f"{public_url(url).rstrip('/')}/" for url in channel_urls(names, read_conda_configuration()))
    shown = ", ".join(allowed)
    for package in packages:
        if package.channel is not None and not package.url.startswith(urls):
            yield f"{package.package}: its channel {package.channel} is not in --allow-channel {shown}"
        elif package.channel is None and ANY_WHEEL not in allowed and not package.url.startswith(urls):
            yield f"{package.package}: {package.url} is not in --allow-channel {shown} ({ANY_WHEEL} allows all wheels)"


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """Where the packages of an image are from.

    `counts` are URLs of channels, and of hosts of wheels, each with whether it is of wheels and how many packages are
    from there. `refused` says which packages are not from where they should be.
    """

    counts: tuple[tuple[str, bool, int], ...]
    refused: tuple[str, ...]


def channel_report(images: Iterable[Image], allowed: Sequence[str]) -> ChannelReport:
    """Return where the packages of images, those of several platforms, are from, as their history says.

    Raises `NotFound` for an image whose history names no packages.
    """
    from conda_docker.provenance.reading import read_environments

    found: dict[Origin, None] = {}
    for image in images:
        for environment in read_environments(image):
            found |= dict.fromkeys(installed_origins(environment.packages))
    counts = Counter((package.channel or _host(package.url), package.channel is None) for package in found)
    counted = sorted((place, is_wheel, number) for (place, is_wheel), number in counts.items())
    return ChannelReport(tuple(counted), tuple(foreign_packages(found, allowed)))


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
