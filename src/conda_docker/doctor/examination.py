"""examine: every check, in the order of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder
from conda_docker.doctor.check import Check, ok

if TYPE_CHECKING:
    from conda_docker.doctor.registries import OptionsOf


def examine(
    cache: CacheFolder,
    *,
    channels: Sequence[str] = (),
    registries: Sequence[str] = (),
    options_of: OptionsOf | None = None,
    offline: bool = False,
) -> Iterator[Check]:
    """Yield the checks of this machine, and of its network unless `offline`.

    `channels` and `registries` are examined as well as those that the user's configuration names. Nothing is written,
    and no check has a secret in it. `options_of` says how to talk to a registry; None: as the environment does.
    """
    from conda_docker.doctor.machine import check_machine
    from conda_docker.doctor.programs import check_programs

    yield from check_machine(cache)
    yield from check_programs()
    from conda_docker.doctor.channels import check_channels
    from conda_docker.doctor.registries import check_registries

    yield from check_channels(channels, offline=offline)
    how = {} if options_of is None else {"options_of": options_of}
    yield from check_registries(registries, offline=offline, **how)
    if offline:
        yield ok("network", "not examined (--offline)")
