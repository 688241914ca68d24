"""Builds for GPUs that a solve passed over, because nothing said that there is one: `__cuda` is absent (CEP 30)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.channels.rattler_engine import run
from conda_docker.environment.solve.errors import rattler_errors

if TYPE_CHECKING:
    from rattler import Gateway, RepoDataRecord

    from conda_docker.environment.solve.match_specs import RequestedSpec
    from conda_docker.environment.virtual_packages import VirtualPackage

CUDA = "__cuda"
_FOR_PROCESSORS = "cpu"
"""In the build strings of packages that have builds for CUDA as well, by a convention of all channels."""


def passed_over(
    requested: Sequence[RequestedSpec],
    chosen: Sequence[RepoDataRecord],
    channels: Sequence[str],
    subdir: str,
    virtual_packages: Sequence[VirtualPackage],
    way: Gateway,
) -> tuple[str, ...]:
    """Return a warning about packages that have builds for CUDA of the version that was chosen.

    Those that were requested are looked at, and those whose build says that it is for processors alone. None where
    `__cuda` was assumed, and so had its say. The indexes of the channels are in memory already.
    """
    if any(package.name == CUDA for package in virtual_packages) or not subdir.startswith(("linux-", "win-")):
        return ()
    # To look at all of them takes as long as some solves.
    looked_at = {spec.name for spec in requested}
    looked_at |= {record.name.normalized for record in chosen if _FOR_PROCESSORS in str(record.build)}
    specs = {spec.name: spec.spec for spec in requested if not spec.is_archive}
    names = sorted(set(_with_cuda_builds(looked_at, specs, chosen, channels, subdir, way)))
    if not names:
        return ()
    have = "has builds for CUDA that were" if len(names) == 1 else "have builds for CUDA that were"
    return (
        f"{', '.join(names)} {have} passed over, since neither the base image nor an option says that there is a GPU; "
        "--virtual-package __cuda=12.4 (the driver's version) has them chosen",
    )


def _with_cuda_builds(
    names: set[str],
    specs: Mapping[str, str],
    chosen: Sequence[RepoDataRecord],
    channels: Sequence[str],
    subdir: str,
    way: Gateway,
) -> Iterator[str]:
    import rattler

    versions = {record.name.normalized: str(record.version) for record in chosen}
    wanted = sorted(names & versions.keys())
    if not wanted:
        return
    sources = [rattler.Channel(url) for url in channels]
    platforms = [rattler.Subdir(subdir)]
    try:
        found = run(lambda: way.query(sources, platforms, wanted, recursive=False, channel_relations="disabled"))
    except rattler_errors():
        return  # what was chosen is right all the same
    for records in found:
        for record in records:
            name = record.name.normalized
            is_other_build = str(record.version) == versions.get(name) and any(
                spec.split()[0] == CUDA for spec in record.depends
            )
            # Who asks for a build that is for processors alone has not missed anything.
            if is_other_build and (name not in specs or rattler.MatchSpec(specs[name], strict=False).matches(record)):
                yield name
