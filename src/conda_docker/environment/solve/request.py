"""What a solver is asked: one value for rattler and for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.environment.virtual_packages import VirtualPackage
from conda_docker.errors import InvalidEnvironment

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveRequest:
    """Match specs, where packages may come from, and what may be taken for granted of the system.

    Raises `InvalidEnvironment` for no specs at all, and `UnsupportedInput` for a subdir that no image is for.
    """

    specs: tuple[str, ...]
    subdir: str
    """Packages are chosen for this subdir and noarch."""
    virtual_packages: tuple[VirtualPackage, ...]
    """Those of the system that the image will run on."""
    removed: frozenset[str] = frozenset()
    """Names of virtual packages that users took away, and so need not be told of."""
    constraints: tuple[str, ...] = ()
    """Match specs that hold for packages which others bring in."""
    strategy: str | None = None
    """ "lowest" or "lowest-direct" versions; None: the highest."""
    exclude_newer: datetime | None = None
    """Packages that were built later do not count."""
    channels: tuple[str, ...] = ()
    """Names or URLs that come before those of the user's configuration, the first with the highest priority."""
    override_channels: bool = False
    """Whether the channels of the user's configuration are left out."""
    channel_priority: str | None = None
    """ "strict", "flexible" or "disabled"; None: what the configuration says, else conda's own default, "flexible"."""
    preferred: tuple[LockedPackage, ...] = ()
    """Packages that are taken where nothing else speaks against them."""
    offline: bool = False
    """Whether the indexes of channels are taken from the cache alone."""
    seconds: float | None = None
    """How long rattler may read indexes and search for packages that fit; None: as long as it takes."""

    def __post_init__(self) -> None:
        platform_of_subdir(self.subdir)
        if not self.specs:
            raise InvalidEnvironment("no packages were asked for")
