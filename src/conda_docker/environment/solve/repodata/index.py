"""indexed_hashes: what channels say of packages, with nothing solved."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from conda_docker.bounded.calls import bounded_call
from conda_docker.bounded.process import TookTooMuch
from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration
from conda_docker.channels.rattler_client import gateway, rattler_configuration
from conda_docker.channels.rattler_engine import run
from conda_docker.channels.urls import channel_urls
from conda_docker.environment.solve.errors import explain, rattler_errors, took_too_much
from conda_docker.redaction import public_url


def indexed_hashes(names: Collection[str], channels: Sequence[str], subdir: str) -> dict[str, str]:
    """Return the SHA-256 of each package of these names that the channels have, by its public URL.

    Raises `ChannelError` for an index that cannot be read, and `SolverFailed` for one that takes too much memory.
    """
    try:
        return bounded_call(_indexed_hashes, frozenset(names), tuple(channels), subdir, read_conda_configuration())
    except TookTooMuch as error:
        raise took_too_much(channels) from error


def _indexed_hashes(
    names: frozenset[str], channels: Sequence[str], subdir: str, configuration: CondaConfiguration
) -> dict[str, str]:
    import rattler

    urls = channel_urls(channels, configuration)
    sources = [rattler.Channel(url) for url in urls]
    platforms = [rattler.Subdir(subdir), rattler.Subdir("noarch")]
    private = any(public_url(url) != url for url in urls)
    way = gateway(rattler_configuration(configuration), offline=configuration.offline, private=private)
    try:
        found = run(lambda: way.query(sources, platforms, sorted(names), recursive=False, channel_relations="disabled"))
    except rattler_errors() as error:
        raise explain(error, urls, subdir) from error
    return {
        public_url(str(record.url)): record.sha256.hex()
        for records in found
        for record in records
        if record.sha256 is not None
    }
