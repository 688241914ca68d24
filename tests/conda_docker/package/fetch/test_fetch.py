"""Fetching packages: from where they are, several at once, each whole and checked."""

from __future__ import annotations

import errno
import json
import os
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import CacheError, DownloadError, WrongPackage
from conda_docker.package.fetch.fetch import fetch_early, fetch_packages
from conda_docker.package.fetch.find import download_path
from python_docker.parallel import Stop
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.conda_docker.package.fetch.fetching import LARGE, QUICK, SMALL, Serve, fetch, left_in
from tests.processes import wait_for


def test_packages_are_downloaded_whole(
    small: LockedPackage, large: LockedPackage, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    paths = fetch(small, large, cache=cache)
    assert paths == {"small": download_path(small, cache), "large": download_path(large, cache)}
    for package in (SMALL, LARGE):
        assert paths[package.name].read_bytes() == synthetic_channel.path(package).read_bytes()
    assert len(left_in(cache)) == 2


def test_what_was_downloaded_is_used_the_next_time(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    first = fetch(small, cache=cache)
    assert fetch(small, cache=cache) == first
    assert len(server.requests) == 1


def test_what_is_used_counts_as_used_just_now(small: LockedPackage, cache: Path) -> None:
    path = fetch(small, cache=cache)["small"]
    os.utime(path, (1, 1))
    fetch(small, cache=cache)
    assert path.stat().st_mtime > 1


def test_a_damaged_download_is_downloaded_anew(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    path = fetch(small, cache=cache)["small"]
    good = path.read_bytes()
    path.write_bytes(bytes(len(good)))
    assert fetch(small, cache=cache)["small"].read_bytes() == good
    assert len(server.requests) == 2


def test_what_a_client_has_is_not_downloaded(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, synthetic_channel: SyntheticChannel
) -> None:
    folder = home / ".conda/pkgs"
    folder.mkdir(parents=True)
    archive = folder / small.file_name
    archive.write_bytes(synthetic_channel.path(SMALL).read_bytes())
    assert fetch(small, cache=cache) == {"small": archive}
    assert server.requests == []
    assert not cache.exists()


class TestWithAnExtractedFolder:
    """What conda extracted has no hash any more: it stands in for a package only where the user wants that."""

    @pytest.fixture(autouse=True)
    def folder(self, small: LockedPackage, home: Path) -> Path:
        folder = SMALL.extract(home / ".conda/pkgs")
        (folder / "info/repodata_record.json").write_text(json.dumps({"name": small.name, "sha256": small.sha256}))
        return folder

    def test_it_is_named_where_the_package_is_gone(
        self, small: LockedPackage, server: FaultyServer, cache: Path, folder: Path
    ) -> None:
        server.always = Fault(status=404)
        with pytest.raises(DownloadError, match=f"HTTP 404.*; it is unpacked in {folder}, and --use-extracted reads"):
            fetch(small, cache=cache)
        assert fetch(small, cache=cache, extracted=True) == {"small": folder}

    def test_it_does_not_stand_in_for_one_that_is_changed_on_the_server(
        self, small: LockedPackage, server: FaultyServer, cache: Path
    ) -> None:
        server.always = Fault(body=bytes(small.size or 0))
        with pytest.raises(WrongPackage, match="should be"):
            fetch(small, cache=cache)

    def test_it_does_not_stand_in_for_one_that_is_changed_in_a_folder(
        self, synthetic_channel: SyntheticChannel, cache: Path
    ) -> None:
        here = synthetic_channel.locked(SMALL)
        synthetic_channel.path(SMALL).write_bytes(bytes(here.size or 0))
        with pytest.raises(WrongPackage, match="should be"):
            fetch(here, cache=cache)


def test_packages_of_a_folder_are_used_where_they_are(
    server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    record = synthetic_channel.locked(SMALL)
    assert fetch(record, cache=cache) == {"small": synthetic_channel.path(SMALL)}


def test_a_package_without_hashes_is_taken_as_it_comes(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    record = replace(small, sha256=None, md5=None, size=None)
    path = fetch(record, cache=cache)["small"]
    assert fetch(record, cache=cache)["small"] == path
    assert len(server.requests) == 1


@pytest.mark.parametrize("known", [{}, {"md5": True}])
def test_a_package_that_was_downloaded_to_be_hashed_is_not_downloaded_again(
    known: dict[str, bool], small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    before = replace(small, sha256=None, md5=small.md5 if known else None, size=None)
    path = fetch(before, cache=cache)["small"]
    assert fetch(small, cache=cache)["small"] == path
    assert len(server.requests) == 1


def test_a_package_with_an_md5_alone_is_checked_by_it(small: LockedPackage, cache: Path) -> None:
    record = replace(small, sha256=None)
    assert fetch(record, cache=cache)["small"].name == f"{small.md5}-{small.file_name}"
    with pytest.raises(WrongPackage, match=f"its md5 is {small.md5}, and should be {32 * '0'}"):
        fetch(replace(record, md5=32 * "0"), cache=cache)


def test_packages_come_as_they_become_ready(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(held=1_000_000)
    fetched = fetch_packages([large, small], cache, options=QUICK)
    assert next(fetched)[0].name == "small"
    server.released.set()
    assert next(fetched)[0].name == "large"


@pytest.mark.parametrize("smallest_first", [True, False])
def test_the_largest_come_first_unless_they_are_sent_on(
    small: LockedPackage, large: LockedPackage, cache: Path, smallest_first: bool
) -> None:
    fetched = fetch_early([small, large], cache, workers=1, smallest_first=smallest_first, early=False)
    assert next(fetched)[0].name == ("small" if smallest_first else "large")


def test_who_waits_for_a_server_that_says_nothing_can_be_told_to_give_up(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    stop = Stop()
    server.always = Fault(held=0)
    threading.Timer(0.1, stop.set, [OSError("the registry has gone")]).start()
    with pytest.raises(CancelledError):
        list(fetch_early([small], cache, stop=stop, early=False))


def test_no_more_workers_than_allowed_are_at_work(
    synthetic_channel: SyntheticChannel, serve: Serve, cache: Path
) -> None:
    packages = [SyntheticPackage(name=f"p{number}", files={"x": str(number)}) for number in range(12)]
    synthetic_channel.add(*packages)
    server = serve(synthetic_channel.folder)
    server.always = Fault(held=0)
    records = [synthetic_channel.locked(package, url=server.url) for package in packages]
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(fetch, *records, cache=cache, workers=3)
        wait_for(lambda: server.most_at_once == 3)
        server.released.set()
        fetched.result()
    assert server.most_at_once == 3


def test_connections_are_used_again(synthetic_channel: SyntheticChannel, serve: Serve, cache: Path) -> None:
    packages = [SyntheticPackage(name=f"p{number}", files={"x": str(number)}) for number in range(12)]
    synthetic_channel.add(*packages)
    server = serve(synthetic_channel.folder)
    fetch(*[synthetic_channel.locked(package, url=server.url) for package in packages], cache=cache, workers=3)
    assert len(server.requests) == 12
    assert server.connections <= 3


def test_a_slow_host_does_not_hold_up_others(synthetic_channel: SyntheticChannel, serve: Serve, cache: Path) -> None:
    packages = [SyntheticPackage(name=f"p{number}", files={"x": str(number)}) for number in range(8)]
    synthetic_channel.add(*packages)
    slow, quick = serve(synthetic_channel.folder), serve(synthetic_channel.folder)
    slow.always = Fault(held=0)
    # Of equal size, so that they are begun in this order.
    records = [
        synthetic_channel.locked(package, url=(slow if number < 6 else quick).url)
        for number, package in enumerate(packages)
    ]
    fetched = fetch_early(records, cache, options=QUICK, workers=2, early=False)
    assert {next(fetched)[0].name, next(fetched)[0].name} == {"p6", "p7"}
    slow.released.set()
    assert len(list(fetched)) == 6


def test_progress_tells_of_each_byte(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_000_000), Fault(ignore_range=True)]
    heard: list[Any] = []

    class Listener:
        def start(self, label: str, total: int | None) -> Listener:
            heard.append((label, total))
            return self

        def advance(self, size: int) -> None:
            heard.append(size)

        def finish(self, outcome: str = "") -> None:
            heard.append("end")

    fetch(large, cache=cache, progress=Listener())
    assert heard[0] == (large.file_name, large.size)
    assert heard[-1] == "end"
    assert sum(heard[1:-1]) == large.size


def test_a_file_name_with_other_characters_is_downloaded(
    synthetic_channel: SyntheticChannel, serve: Serve, cache: Path
) -> None:
    package = SyntheticPackage(name="odd", version="1!2.0+a", files={"x": "x"})
    synthetic_channel.add(package)
    record = synthetic_channel.locked(package, url=serve(synthetic_channel.folder).url)
    assert fetch(record, cache=cache)["odd"].read_bytes() == synthetic_channel.path(package).read_bytes()


def test_one_failure_ends_the_rest(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(held=1_000_000)
    bad = replace(small, url="http://127.0.0.1:9/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match="connection refused"):
        fetch(large, bad, cache=cache)
    wait_for(lambda: not any(thread.name.startswith("fetch") for thread in threading.enumerate()))
    assert not download_path(large, cache).exists()


def test_offline_what_is_there_is_used(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    path = fetch(small, cache=cache)["small"]
    assert fetch(small, cache=cache, offline=True) == {"small": path}
    assert len(server.requests) == 1


def test_a_cache_that_is_no_folder(small: LockedPackage, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(CacheError, match=f"the cache {cache} cannot be written: .*--cache-dir"):
        fetch(small, cache=cache)


def test_a_cache_that_may_only_be_read_serves_what_it_has(
    small: LockedPackage, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch(small, cache=cache)["small"]

    def utime(path: object, *times: object) -> None:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("conda_docker.package.fetch.find.os.utime", utime)
    assert fetch(small, cache=cache) == {"small": path}
