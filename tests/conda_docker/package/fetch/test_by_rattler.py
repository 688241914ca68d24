"""What rattler downloads comes in pieces, and what ends it is known."""

from __future__ import annotations

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import DownloadError, WrongPackage
from conda_docker.package.fetch.by_rattler import download_by_rattler
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.fetch.fetching import LARGE


def test_all_of_it_comes(large: LockedPackage, synthetic_channel: SyntheticChannel) -> None:
    pieces: list[bytes] = []
    download_by_rattler(large.url, CondaConfiguration(), pieces.append)
    assert b"".join(pieces) == synthetic_channel.path(LARGE).read_bytes()


def test_what_is_not_there(large: LockedPackage) -> None:
    with pytest.raises(DownloadError, match=r"cannot download http://127.0.0.1:.*/missing.conda: "):
        download_by_rattler(large.url.replace(large.file_name, "missing.conda"), CondaConfiguration(), bytes)


def test_the_error_that_ends_it_comes_back(large: LockedPackage) -> None:
    error = WrongPackage("too long")

    def take(data: bytes) -> None:
        raise error

    with pytest.raises(WrongPackage) as caught:
        download_by_rattler(large.url, CondaConfiguration(), take)
    assert caught.value is error
