"""accept_lock: lock files that clients post, of which nothing is read that the server would not give them anyway."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.urls import channel_urls
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.redaction import public_url
from conda_docker.request import Request
from conda_docker.resolution.describe import describe
from conda_docker.serve.errors import Denied

if TYPE_CHECKING:
    from conda_docker.layers.member import Member
    from conda_docker.serve.configuration import ServerConfiguration

_LISTED = 10
_HERE = Path("posted.lock")


def accept_lock(text: str, channels: tuple[str, ...], configuration: ServerConfiguration) -> None:
    """Check that a lock file lists exact packages of some channels, with their hashes, for each of the platforms.

    Wheels may come from the places that `wheels` of the configuration names. Raises `Denied` for anything else, such
    as files of the server, other hosts, scripts of its own, or environments that are still to be solved; and
    `InvalidEnvironment` and `UnsupportedInput` for what cannot be read.
    """
    file = InputFile.of(_HERE, text)
    request = Request(files=(_HERE,))
    allowed = (
        *(f"{public_url(url).rstrip('/')}/" for url in channel_urls(channels, read_conda_configuration())),
        *(f"{url.rstrip('/')}/" for url in configuration.wheels),
    )
    for platform in configuration.platforms:
        described = describe(request, [file], subdir_of_platform(platform))
        if not isinstance(described, LockedEnvironment):
            raise Denied("it describes an environment that is still to be solved: post a lock file")
        if described.pip is not None or described.scripts:
            raise Denied("a lock file that is posted may have neither requirements for pip nor scripts of its own")
        members: list[Member] = [*described.packages, *described.wheels]
        if not members:
            raise Denied("it lists no packages")
        refused = [member.public_url for member in members if not member.public_url.startswith(allowed)]
        unhashed = [member.public_url for member in members if member.sha256 is None]
        if refused:
            raise Denied(f"these packages are not from a channel that you may use here: {_listed(refused)}")
        if unhashed:
            raise Denied(f"these packages have no SHA-256: {_listed(unhashed)}")


def _listed(urls: list[str]) -> str:
    more = f" and {len(urls) - _LISTED} more" if len(urls) > _LISTED else ""
    return ", ".join(urls[:_LISTED]) + more
