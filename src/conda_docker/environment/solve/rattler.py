"""Solving: from match specs and channels to exact packages, with rattler."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration
from conda_docker.channels.rattler_client import gateway, rattler_configuration
from conda_docker.channels.rattler_engine import run
from conda_docker.channels.urls import channel_urls, choose_channels
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.solve.errors import explain, rattler_errors
from conda_docker.environment.solve.match_specs import RequestedSpec, read_specs
from conda_docker.environment.solve.virtual_packages import VirtualPackage, virtual_packages
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.environment.topological_order import topological_order
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text, public_url

if TYPE_CHECKING:
    from rattler import Config, Gateway, GenericVirtualPackage, MatchSpec, RepoDataRecord


def solve(
    specs: Sequence[str],
    *,
    subdir: str,
    channels: Sequence[str] = (),
    override_channels: bool = False,
    channel_priority: str | None = None,
    virtual: Sequence[VirtualPackage] | None = None,
    offline: bool = False,
    configuration: CondaConfiguration | None = None,
) -> LockedEnvironment:
    """Return the packages that satisfy `specs` together, for `subdir` and noarch.

    `channels` come before those of the user's configuration unless `override_channels`; a channel that only a spec
    names (`channel::package`) comes last. `channel_priority` is "strict", "flexible" or "disabled"; None: what the
    configuration says, else conda's own default, "flexible". `virtual` are the virtual packages (None: those of an
    unknown Linux system). `offline` takes the indexes of channels from the cache alone.

    Raises `Unsolvable` with the solver's explanation, `ChannelError` for a channel that is missing, closed or damaged,
    `InvalidEnvironment` for a spec that cannot be understood, `UnsupportedInput` for a subdir without images and
    `CacheError`.

        environment = solve(["numpy >=2", "bioconda::samtools"], subdir="linux-64", channels=["conda-forge"])
    """
    platform_of_subdir(subdir)
    configuration = configuration or read_conda_configuration()
    requested = read_specs(specs, configuration)
    if not requested:
        raise InvalidEnvironment("no packages were asked for")
    config = rattler_configuration(configuration)
    named = choose_channels(channels, configuration, override=override_channels, fallback=config.default_channels or ())
    urls = channel_urls(named, configuration)
    urls = tuple(dict.fromkeys([*urls, *(url for spec in requested for url in spec.channels)]))
    offline = offline or configuration.offline
    priority = channel_priority or configuration.channel_priority or "flexible"
    virtual = virtual_packages(subdir) if virtual is None else virtual
    try:
        records = _solve(requested, urls, subdir, priority, virtual, config, offline)
    except rattler_errors() as error:
        if not _refused_shards(str(error)):
            raise explain(error, urls, subdir) from error
        try:
            records = _solve(requested, urls, subdir, priority, virtual, config, offline, sharded=False)
        except rattler_errors() as second:
            raise explain(second, urls, subdir) from second
    return LockedEnvironment(
        subdir=subdir,
        packages=tuple(topological_order(_package(record) for record in records)),
        requested=tuple(spec.text for spec in requested),
        channels=tuple(map(public_url, urls)),
    )


def _solve(
    requested: Sequence[RequestedSpec],
    urls: Sequence[str],
    subdir: str,
    priority: str,
    virtual: Sequence[VirtualPackage],
    config: Config,
    offline: bool,
    *,
    sharded: bool = True,
) -> list[RepoDataRecord]:
    import rattler
    from rattler import ChannelPriority

    private = any(public_text(text) != text for text in (*urls, *(spec.text for spec in requested)))
    way = gateway(config, offline=offline, sharded=sharded, private=private)
    specs = [_match_spec(_from_one_channel(spec, way, subdir), spec.text) for spec in requested]
    assumed = [_generic(package) for package in virtual]
    return run(
        lambda: rattler.solve(
            [rattler.Channel(url) for url in urls],
            specs,
            gateway=way,
            platforms=[rattler.Subdir(subdir), rattler.Subdir("noarch")],
            virtual_packages=assumed,
            channel_priority=ChannelPriority[priority.capitalize()],
        )
    )


def _refused_shards(message: str) -> bool:
    """Whether a server that knows nothing of sharded indexes answered so for one: with 403, 500 or a page of HTML."""
    return "repodata_shards" in message and "error sending request" not in message and "401" not in message


def _from_one_channel(spec: RequestedSpec, way: Gateway, subdir: str) -> str:
    """The spec with its channel; of several, as `defaults` stands for, the first that has the package."""
    import rattler

    if not spec.channels:
        return spec.spec
    if len(spec.channels) == 1:
        return spec.for_channel(spec.channels[0])
    sources = [rattler.Channel(url) for url in spec.channels]
    platforms = [rattler.Subdir(subdir), rattler.Subdir("noarch")]
    found = run(lambda: way.query(sources, platforms, [spec.name], recursive=False, channel_relations="disabled"))
    holders = {public_url(record.channel or "").rstrip("/") for records in found for record in records}
    return spec.for_channel(next((url for url in spec.channels if public_url(url) in holders), spec.channels[0]))


def _match_spec(spec: str, text: str) -> MatchSpec:
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        # Lenient: "numpy 1.26" and "numpy=1.26=h_0" are conda's everyday forms.
        return MatchSpec(spec, strict=False)
    except InvalidMatchSpecError as error:
        reason = public_text(str(error)).splitlines()[0]
        raise InvalidEnvironment(f"not a package to ask for: {text[:200]!r} ({reason})") from error


def _generic(package: VirtualPackage) -> GenericVirtualPackage:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    return GenericVirtualPackage(PackageName(package.name), Version(package.version), BuildString(package.build))


def _package(record: RepoDataRecord) -> LockedPackage:
    return package_from_record(json.loads(record.to_json()))
