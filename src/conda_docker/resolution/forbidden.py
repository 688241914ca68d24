"""What conda's configuration forbids of exact packages, however they were chosen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage


def check_forbidden(packages: Sequence[LockedPackage], conda_exe: str | os.PathLike[str] | None = None) -> None:
    """Raise `Unsolvable` for packages that conda's configuration disallows.

    The configuration is that of `conda_exe` (None: the user's).
    """
    from conda_docker.channels.configuration import read_conda_configuration

    configuration = read_conda_configuration(conda_exe=conda_exe)
    if configuration.disallowed_packages:
        from conda_docker.environment.solve.configured import check_allowed

        check_allowed(packages, configuration)


def check_forbidden_channels(packages: Sequence[LockedPackage]) -> None:
    """Raise `ChannelError` for packages of a lock file from a channel that conda's configuration forbids."""
    from conda_docker.channels.configuration import read_conda_configuration

    configuration = read_conda_configuration()
    if not configuration.allowlist_channels and not configuration.denylist_channels:
        return
    from conda_docker.channels.urls import check_channels
    from conda_docker.environment.packages.package_url import channel_of_url

    holders = dict.fromkeys(filter(None, (channel_of_url(package.url) for package in packages)))
    check_channels(holders, configuration)
