"""What is not on this machine, where nothing may be downloaded or its URL names a file here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import DownloadError, WrongPackage
from conda_docker.package.fetch.fetch import fetch_packages
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.faulty_server import FaultyServer
from tests.conda_docker.package.fetch.fetching import QUICK, SMALL, fetch


def test_offline_one_error_lists_all_that_is_missing(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    there = synthetic_channel.locked(SMALL)
    fetched = fetch_packages([there, large, replace(small, name="other")], cache, offline=True, options=QUICK)
    with pytest.raises(DownloadError) as caught:
        next(fetched)
    first, *listed = str(caught.value).splitlines()
    assert first == "2 packages are not on this machine, and --offline forbids downloading them:"
    assert listed == [f"{name}-1.0-0.conda from {server.url}/linux-64" for name in ("large", "small")]
    assert server.requests == []


def test_a_file_url_whose_sha256_is_wrong_names_both(synthetic_channel: SyntheticChannel, cache: Path) -> None:
    synthetic_channel.add(SMALL)
    right = synthetic_channel.record(SMALL)["sha256"]
    with pytest.raises(WrongPackage, match=f"its sha256 is {right}, and should be {64 * '0'}"):
        fetch(synthetic_channel.locked(SMALL, sha256=64 * "0"), cache=cache)


def test_a_file_url_that_leads_nowhere_names_the_file(synthetic_channel: SyntheticChannel, cache: Path) -> None:
    synthetic_channel.add(SMALL)
    record = synthetic_channel.locked(SMALL)
    synthetic_channel.path(SMALL).unlink()
    with pytest.raises(DownloadError, match=r"cannot read the package /.*small-1.0-0.conda: No such file"):
        fetch(record, cache=cache)
