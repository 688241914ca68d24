"""Question: a request with all that configuration decides, and the way to the indexes of its channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.channels.rattler_client import gateway, rattler_configuration
from conda_docker.channels.urls import channel_urls, choose_channels
from conda_docker.environment.solve.configured import configured_cutoff, note_defaults, pins
from conda_docker.environment.solve.match_specs import RequestedSpec, read_specs
from conda_docker.redaction import public_text

if TYPE_CHECKING:
    from rattler import Config, Gateway

    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.environment.solve.request import SolveRequest
    from conda_docker.environment.virtual_packages import VirtualPackage


class Question(NamedTuple):
    """A request with channels as URLs, which may hold credentials, and all settings decided."""

    requested: Sequence[RequestedSpec]
    channels: Sequence[str]
    subdir: str
    priority: str
    virtual_packages: Sequence[VirtualPackage]
    removed: frozenset[str]
    config: Config
    offline: bool
    constraints: Sequence[RequestedSpec]
    strategy: str | None
    pinned: Sequence[RequestedSpec]
    exclude_newer: datetime | None
    undated: bool
    """Whether packages without a time count, where `exclude_newer` is given."""
    preferred: Sequence[LockedPackage]
    seconds: float | None


def question_of(request: SolveRequest, configuration: CondaConfiguration) -> Question:
    """Return a request with what conda's configuration, and rattler's, say of it.

    Raises `InvalidEnvironment` and `ChannelError` for what cannot be understood.
    """
    requested = read_specs(request.specs, configuration)
    note_defaults(configuration, requested)
    config = rattler_configuration(configuration)
    named = choose_channels(
        request.channels,
        configuration,
        override=request.override_channels,
        fallback=config.default_channels or (),
    )
    urls = channel_urls(named, configuration)
    urls = tuple(dict.fromkeys([*urls, *(url for spec in requested for url in spec.channels)]))
    return Question(
        requested=requested,
        channels=urls,
        subdir=request.subdir,
        priority=request.channel_priority or configuration.channel_priority or "flexible",
        virtual_packages=request.virtual_packages,
        removed=request.removed,
        config=config,
        offline=request.offline or configuration.offline,
        constraints=read_specs(request.constraints, configuration),
        strategy=request.strategy,
        pinned=pins(configuration),
        # As conda has it: a moment that is asked for goes before that of the configuration, for which packages without
        # a time are old enough.
        exclude_newer=request.exclude_newer or configured_cutoff(configuration),
        undated=request.exclude_newer is None,
        preferred=request.preferred,
        seconds=request.seconds,
    )


def gateway_of(question: Question, *, sharded: bool = True, alone: bool = False) -> Gateway:
    """Return the way to the indexes of a question's channels. Raises what `rattler_client.gateway` raises."""
    texts = (*question.channels, *(spec.text for spec in question.requested))
    private = any(public_text(text) != text for text in texts)
    return gateway(question.config, offline=question.offline, sharded=sharded, private=private, alone=alone)
