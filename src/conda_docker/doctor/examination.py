"""examine: every check, in the order of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conda_docker.cache.folder import CacheFolder
from conda_docker.doctor.check import Check, ok


def examine(
    cache: CacheFolder, *, channels: Sequence[str] = (), registries: Sequence[str] = (), offline: bool = False
) -> Iterator[Check]:
    """Yield the checks of this machine, and of its network unless `offline`.

    `channels` and `registries` are examined as well as those that the user's configuration names. Nothing is written,
    and no check has a secret in it.
    """
    from conda_docker.doctor.machine import check_machine
    from conda_docker.doctor.programs import check_programs

    yield from check_machine(cache)
    yield from check_programs()
    from conda_docker.doctor.channels import check_channels
    from conda_docker.doctor.registries import check_registries

    yield from check_channels(channels, offline=offline)
    yield from check_registries(registries, offline=offline)
    if offline:
        yield ok("network", "not examined (--offline)")
