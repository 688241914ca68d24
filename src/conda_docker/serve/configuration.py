"""ServerConfiguration: what a server serves, to whom, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_docker.build_options import DEFAULT_BASE
from python_docker.errors import InvalidDocument
from python_docker.spec.platform import Platform


class InvalidConfiguration(InvalidDocument):
    """A configuration of the server that cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one image, one client and the server may take.

    `packages` and `package_bytes` (of the archives) are those of an image for one platform. `builds` run at once,
    `waiting` more may wait. Choosing packages may take `solve_seconds`, with the reading of indexes, and choosing
    wheels as long again; making the image, with all that is downloaded for it, or one of its layers again, may take
    `build_seconds`. A request waits `wait_seconds` for a build, which goes on after that. `latest_seconds` is how
    long the tag `latest` keeps meaning the same. A client may begin `builds_per_minute` and make `requests_per_minute`.
    It may take `stall_seconds` to send a request, and must read `bytes_per_second` on the average, which it may miss
    for as long; `connections` may be open. `disk_bytes` is what layers, packages and images may take in the cache, None
    for any amount.
    """

    packages: int = 500
    package_bytes: int = 10 * 10**9
    builds: int = 2
    waiting: int = 100
    solve_seconds: int = 120
    build_seconds: int = 1800
    wait_seconds: int = 280
    latest_seconds: int = 600
    builds_per_minute: int = 60
    requests_per_minute: int = 6000
    lock_bytes: int = 4 << 20
    stall_seconds: int = 30
    bytes_per_second: int = 10_000
    connections: int = 1000
    disk_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody may use: `channels` of those that the server has (None: all), and environments by patterns (None:
    all for whoever may use all channels, none for others). An environment may have packages of any channel.

    It is for whoever sends the token with this SHA-256, or whom a proxy in front names as `user`, which is a pattern.
    """

    name: str = "anonymous"
    token_sha256: str | None = None
    user: str | None = None
    channels: tuple[str, ...] | None = None
    environments: tuple[str, ...] | None = None
    locks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy in front that logs users in: the header that names them, and the addresses it connects from."""

    user_header: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfiguration:
    """All of a server's configuration. Without `access` and `anonymous`, everybody may use everything.

    `environments` is a folder with files that describe environments. `cache_from` and `cache_to` are layer
    repositories; with `redirect`, clients are sent to the first for layers that are not on this machine: they must be
    able to read there. `wheels` are beginnings of the URLs that wheels of posted lock files may have. `public_url` is
    what users type in front of a name, where it is not what they connect to.
    """

    base: str = DEFAULT_BASE
    channels: tuple[str, ...] = ("conda-forge",)
    platforms: tuple[Platform, ...] = (Platform("linux", "amd64"), Platform("linux", "arm64"))
    environments: Path | None = None
    virtual_packages: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    redirect: bool = False
    public_url: str | None = None
    limits: Limits = field(default_factory=Limits)
    access: tuple[Grant, ...] = ()
    anonymous: Grant | None = None
    proxy: Proxy | None = None
    build: Mapping[str, Any] = field(default_factory=dict)

    @property
    def everybody(self) -> Grant | None:
        """What may be used without a token."""
        return self.anonymous or (None if self.access else Grant())

    @property
    def is_open(self) -> bool:
        """Whether everybody may use the same."""
        return not self.access
