"""accept_lock: lock files that clients post, of which nothing is read that the server would not give them anyway."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.urls import channel_urls
from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.lock_files import conda_lock, explicit, own_lock, pixi_lock
from conda_docker.environment.inputs.table import kind_of
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.solve.repodata.index import indexed_hashes
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.redaction import public_url
from conda_docker.serve.errors import Denied, InvalidLock

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel
    from conda_docker.serve.configuration import Limits, ServerConfiguration

_LISTED = 10
_HERE = Path("the posted file")
# Those that are read whole from their own text: others may name files next to them.
_KINDS = (own_lock.KIND, pixi_lock.KIND, conda_lock.KIND, explicit.KIND)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
# What follows the URL of a channel: nothing that leads elsewhere, however a server reads it.
_IN_CHANNEL = re.compile(r"[a-z0-9][a-z0-9-]*/[A-Za-z0-9_][A-Za-z0-9._+!-]*\.(?:conda|tar\.bz2)")
_WHEEL = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._+!-]*/)*[A-Za-z0-9_][A-Za-z0-9._+!-]*\.whl")


def accept_lock(text: str, channels: tuple[str, ...], configuration: ServerConfiguration) -> None:
    """Check that a lock file lists exact packages that some channels have in their indexes, for each of the platforms.

    Hashes must be those of the indexes, so that nothing else of a channel's host can be had, nor learned of. Wheels may
    come from the places that `wheels` of the configuration names, which are asked for them. Raises `Denied` for
    anything else, such as files of the server, other hosts, or scripts of its own, `InvalidLock` for what is not a lock
    file that can be read, and `DownloadError` for a wheel that is not there.
    """
    file = InputFile.of(_HERE, text)
    urls = [public_url(url).rstrip("/") for url in channel_urls(channels, read_conda_configuration())]
    for platform in configuration.platforms:
        subdir = subdir_of_platform(platform)
        environment = _read(file, subdir, configuration.limits)
        if environment.pip is not None or environment.scripts:
            raise Denied("a lock file that is posted may have neither requirements for pip nor scripts of its own")
        if not environment.packages:
            raise InvalidLock("it lists no packages")
        _check_wheels(environment.wheels, configuration.wheels)
        outside = [package.public_url for package in environment.packages if _channel_of(package, urls) is None]
        if outside:
            raise Denied(f"these packages are not from a channel that you may use here: {first_of(outside, _LISTED)}")
        unknown = list(_not_indexed(environment.packages, channels, subdir))
        if unknown:
            raise Denied(
                f"no channel that you may use here lists these packages with these hashes: {first_of(unknown, _LISTED)}"
            )
        _download(environment.wheels)


def _read(file: InputFile, subdir: str, limits: Limits) -> LockedEnvironment:
    """Return the environment of a lock file. What is too large is refused before much time goes into it."""
    try:
        kind = kind_of(file)
        if kind not in _KINDS:
            raise InvalidLock(f"it is {kind.name}: post a lock file or an explicit list")
        if kind is explicit.KIND:
            _check_count(len(file.lines) - 1, limits)
        read = kind.read(ReadRequest(file=file, subdir=subdir))
    except (InvalidEnvironment, UnsupportedInput) as error:
        raise InvalidLock(str(error)) from None
    if not isinstance(read, LockedEnvironment):
        raise InvalidLock("it describes an environment that is still to be solved: post a lock file")
    _check_count(len(read.packages) + len(read.wheels), limits)
    return read


def _check_count(packages: int, limits: Limits) -> None:
    if packages > limits.packages:
        raise Denied(f"it lists {packages} packages, and this server allows {limits.packages}")


def _channel_of(package: LockedPackage, channels: Sequence[str]) -> str | None:
    """Return the channel that a package's URL is in, by every way of reading it."""
    if not _NAME.fullmatch(package.name):
        return None
    for channel in channels:
        rest = package.url.removeprefix(f"{channel}/")
        if rest != package.url and _IN_CHANNEL.fullmatch(rest):
            return channel
    return None


def _check_wheels(wheels: Sequence[LockedWheel], places: Sequence[str]) -> None:
    for wheel in wheels:
        rests = (wheel.url.removeprefix(f"{place.rstrip('/')}/") for place in places)
        if not any(rest != wheel.url and _WHEEL.fullmatch(rest) for rest in rests):
            raise Denied(f"the server does not allow wheels from this place: {wheel.public_url}")
        if wheel.sha256 is None:
            raise Denied(f"a wheel has no SHA-256: {wheel.public_url}")


def _download(wheels: Sequence[LockedWheel]) -> None:
    """Have wheels come from where they are said to be: those of somebody else are not given for their hashes alone."""
    with TemporaryDirectory(prefix="conda-docker-wheels-") as folder:
        for _, path in fetch_packages(wheels, Path(folder)):
            path.unlink()


def _not_indexed(packages: Sequence[LockedPackage], channels: Sequence[str], subdir: str) -> Iterator[str]:
    """Yield the packages that the indexes do not have, or have with another hash."""
    hashes = indexed_hashes({package.name for package in packages}, channels, subdir)
    for package in packages:
        if package.sha256 is None or hashes.get(package.public_url) != package.sha256:
            yield package.public_url
