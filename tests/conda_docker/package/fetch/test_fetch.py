"""Fetching packages: what comes, what is tried again, and what ends in which error."""

from __future__ import annotations

import base64
import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import CacheError, DownloadError, WrongPackage
from conda_docker.package.fetch.fetch import fetch_packages, http_options
from conda_docker.package.fetch.find import download_path
from python_docker.errors import Error
from python_docker.parallel import Stop
from python_docker.registry.options import RegistryOptions
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.package.faulty_server import Fault, FaultyServer

QUICK = RegistryOptions(attempts=4, backoff=0.001, max_backoff=0.002, max_wait=5, read_timeout=2, environ={})
SMALL = SyntheticPackage(name="small", files={"share/small": "small"})
# Does not compress: its archive has as many bytes.
LARGE = SyntheticPackage(name="large", files={"share/large": File(random.Random(1).randbytes(3_000_000))})
Serve = Callable[[Path], FaultyServer]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return our own cache's folder, which is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def server(synthetic_channel: SyntheticChannel, serve: Serve) -> FaultyServer:
    """Return a server of a channel with both packages."""
    synthetic_channel.add(SMALL, LARGE)
    return serve(synthetic_channel.folder)


@pytest.fixture
def large(synthetic_channel: SyntheticChannel, server: FaultyServer) -> LockedPackage:
    return synthetic_channel.locked(LARGE, url=server.url)


@pytest.fixture
def small(synthetic_channel: SyntheticChannel, server: FaultyServer) -> LockedPackage:
    return synthetic_channel.locked(SMALL, url=server.url)


def fetch(*records: LockedPackage, cache: Path, **options: Any) -> dict[str, Path]:
    """Return where each package is, by its name."""
    fetched = list(fetch_packages(records, cache, **{"options": QUICK, **options}))
    assert len(fetched) == len(records)
    return {record.name: path for record, path in fetched}


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "packages").iterdir()) if (cache / "packages").exists() else []


# -- what comes --------------------------------------------------------------------------------------------------------


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
    server.always = Fault(pause=0.02)  # for each 64 KiB
    assert [record.name for record, _ in fetch_packages([large, small], cache, options=QUICK)] == ["small", "large"]


@pytest.mark.parametrize("smallest_first", [True, False])
def test_the_largest_come_first_unless_they_are_sent_on(
    small: LockedPackage, large: LockedPackage, cache: Path, smallest_first: bool
) -> None:
    fetched = fetch_packages([small, large], cache, workers=1, smallest_first=smallest_first)
    assert next(fetched)[0].name == ("small" if smallest_first else "large")


def test_who_waits_for_a_server_that_says_nothing_can_be_told_to_give_up(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    stop = Stop()
    server.always = Fault(pause=3)
    threading.Timer(0.1, stop.set, [OSError("the registry has gone")]).start()
    with pytest.raises(CancelledError):
        list(fetch_packages([small], cache, stop=stop))


def test_no_more_workers_than_allowed_are_at_work(
    synthetic_channel: SyntheticChannel, serve: Serve, cache: Path
) -> None:
    packages = [SyntheticPackage(name=f"p{number}", files={"x": str(number)}) for number in range(12)]
    synthetic_channel.add(*packages)
    server = serve(synthetic_channel.folder)
    server.always = Fault(pause=0.05)
    fetch(*[synthetic_channel.locked(package, url=server.url) for package in packages], cache=cache, workers=3)
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
    slow.always = Fault(pause=0.5)
    # Of equal size, so that they are begun in this order.
    records = [
        synthetic_channel.locked(package, url=(slow if number < 6 else quick).url)
        for number, package in enumerate(packages)
    ]
    order = [record.name for record, _ in fetch_packages(records, cache, options=QUICK, workers=2)]
    assert set(order[:2]) == {"p6", "p7"}


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


# -- what is tried again -----------------------------------------------------------------------------------------------


def test_a_cut_download_goes_on_where_it_was(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_500_000), Fault(cut=500_000)]
    fetch(large, cache=cache)
    end = large.size - 1 if large.size else ""
    assert server.ranges == [None, f"bytes=1500000-{end}", f"bytes=2000000-{end}"]


def test_a_connection_that_is_reset_is_made_anew(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_500_000, reset=True), Fault(cut=0, reset=True)]
    fetch(large, cache=cache)
    assert len(server.requests) == 3


def test_cuts_with_progress_in_between_are_forgiven(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    options = replace(QUICK, attempts=2)
    server.faults += [Fault(cut=1_300_000), Fault(cut=1_300_000)]
    fetch(large, cache=cache, options=options)


def test_a_download_that_is_always_cut_fails_and_the_next_run_goes_on(
    large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults += [Fault(cut=100_000) for _ in range(4)]
    with pytest.raises(DownloadError, match=r"cannot download http://127.0.0.1:.*the connection to"):
        fetch(large, cache=cache)
    assert left_in(cache) == [f".{large.sha256}-{large.file_name}.partial"]
    before = len(server.requests)
    fetch(large, cache=cache)
    assert len(server.requests) == before + 1
    assert server.ranges[-1] is not None
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


def test_a_server_without_ranges_sends_all_of_it(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(cut=1_000_000), Fault(ignore_range=True)]
    fetch(large, cache=cache)
    assert len(server.requests) == 2


def test_another_part_than_was_asked_for_is_not_taken(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    wrong = Fault(status=206, body=b"x", headers={"Content-Range": f"bytes 7-7/{large.size}"})
    server.faults += [Fault(cut=1_000_000), wrong]
    fetch(large, cache=cache)
    assert server.ranges[-1] is None


def test_a_leftover_that_is_too_long_is_thrown_away(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    path = download_path(large, cache)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.partial").write_bytes(bytes(4_000_000))
    fetch(large, cache=cache)
    assert server.ranges == [None]


def test_a_leftover_of_other_content_is_found_out(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    path = download_path(large, cache)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.partial").write_bytes(bytes(1000))
    fetch(large, cache=cache)
    assert server.ranges == [f"bytes=1000-{large.size - 1 if large.size else ''}", None]


def test_a_leftover_that_is_whole_needs_no_request(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    path = download_path(large, cache)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.partial").write_bytes(synthetic_channel.path(LARGE).read_bytes())
    assert fetch(large, cache=cache) == {"large": path}
    assert server.requests == []


def test_leftovers_that_nobody_goes_on_with_are_removed_after_a_day(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    path = download_path(large, cache)
    path.parent.mkdir(parents=True)
    stopped = path.with_name(f".{path.name}.partial")
    stopped.write_bytes(b"half")
    fetch(small, cache=cache)
    assert stopped.exists()
    os.utime(stopped, (1, 1))
    download_path(small, cache).unlink()
    fetch(small, cache=cache)
    assert not stopped.exists()


def test_without_a_hash_a_leftover_is_not_trusted(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    record = replace(large, sha256=None, md5=None)
    path = download_path(record, cache)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.partial").write_bytes(bytes(1000))
    fetch(record, cache=cache)
    assert server.ranges == [None]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_fails_for_a_while_is_asked_again(
    status: int, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults += [Fault(status=status), Fault(status=status)]
    fetch(small, cache=cache)
    assert len(server.requests) == 3


def test_retry_after_is_waited_for(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults.append(Fault(status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    fetch(small, cache=cache)
    assert time.monotonic() - started >= 1  # how long at least, which no slow machine changes


def test_a_longer_retry_after_than_anybody_would_wait_is_a_failure(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults.append(Fault(status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(DownloadError, match=r"the server failed \(HTTP 503\)"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1


def test_a_server_that_keeps_failing_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=500)
    with pytest.raises(DownloadError, match="HTTP 500"):
        fetch(small, cache=cache)
    assert len(server.requests) == QUICK.attempts
    assert [name for name in left_in(cache) if not name.startswith(".")] == []


def test_a_server_that_says_nothing_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(pause=0.5)
    options = replace(QUICK, attempts=1, read_timeout=0.1)
    with pytest.raises(DownloadError, match="did not answer in time"):
        fetch(small, cache=cache, options=options)


def test_a_server_that_trickles_is_given_up(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(pause=0.05, piece=1)
    options = replace(QUICK, attempts=1, read_timeout=0.2)
    with pytest.raises(DownloadError, match="answers too slowly"):
        fetch(small, cache=cache, options=options)


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_a_wrong_sha256_names_package_hashes_and_url(
    synthetic_channel: SyntheticChannel, serve: Serve, cache: Path
) -> None:
    synthetic_channel.add(SMALL)
    server = serve(synthetic_channel.folder)
    server.token = "tk-123"
    url = server.url.replace("://", "://me:hidden@") + "/t/tk-123"
    right = synthetic_channel.record(SMALL)["sha256"]
    record = synthetic_channel.locked(SMALL, url=url, sha256=64 * "0")
    with pytest.raises(DownloadError) as caught:
        fetch(record, cache=cache)
    message = str(caught.value)
    for part in ("small-1.0-0.conda", f"its sha256 is {right}", f"should be {64 * '0'}", f"{server.url}/linux-64/"):
        assert part in message
    assert "tk-123" not in message
    assert "hidden" not in message
    assert left_in(cache) == []


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


def test_an_endless_answer_is_cut_off(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(body=bytes(10_000_000))
    with pytest.raises(DownloadError, match=f"it has 10000000 bytes instead of {small.size}"):
        fetch(small, cache=cache)


def test_a_short_answer_is_wrong(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(body=b"<html>log in</html>")
    with pytest.raises(DownloadError, match=f"it has 19 bytes instead of {small.size}"):
        fetch(small, cache=cache)


@pytest.mark.parametrize("status", [400, 410, 451])
def test_a_refusal_is_not_repeated(status: int, small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=status)
    with pytest.raises(DownloadError, match=f"the server refuses .HTTP {status}"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1


def test_a_package_that_is_not_there(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    record = replace(small, url=f"{server.url}/linux-64/gone-1.0-0.conda", sha256=64 * "1")
    with pytest.raises(DownloadError, match=r"gone-1.0-0.conda: it is not there"):
        fetch(record, cache=cache)


def test_a_host_that_does_not_listen(small: LockedPackage, cache: Path) -> None:
    record = replace(small, url="http://127.0.0.1:9/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match=r"cannot connect to 127.0.0.1:9: connection refused"):
        fetch(record, cache=cache)


def test_a_scheme_that_nobody_knows(small: LockedPackage, cache: Path) -> None:
    with pytest.raises(DownloadError, match="unknown scheme 'gopher'"):
        fetch(replace(small, url="gopher://host/linux-64/small-1.0-0.conda"), cache=cache)


def test_one_failure_ends_the_rest(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(pause=0.05)
    bad = replace(small, url="http://127.0.0.1:9/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match="connection refused"):
        fetch(large, bad, cache=cache)
    deadline = time.monotonic() + 30
    while any(thread.name.startswith("fetch") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not download_path(large, cache).exists()


# -- offline -----------------------------------------------------------------------------------------------------------


def test_offline_what_is_there_is_used(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    path = fetch(small, cache=cache)["small"]
    assert fetch(small, cache=cache, offline=True) == {"small": path}
    assert len(server.requests) == 1


def test_offline_one_error_lists_all_that_is_missing(
    small: LockedPackage, large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    there = synthetic_channel.locked(SMALL)
    fetched = fetch_packages([there, large, replace(small, name="other")], cache, offline=True, options=QUICK)
    with pytest.raises(DownloadError) as caught:
        next(fetched)
    first, *listed = str(caught.value).splitlines()
    assert first == "2 packages are not on this machine, and --offline forbids to download:"
    assert listed == [f"{name}-1.0-0.conda from {server.url}/linux-64" for name in ("large", "small")]
    assert server.requests == []


# -- caches that cannot be written -------------------------------------------------------------------------------------


def test_a_cache_that_is_no_folder(small: LockedPackage, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(CacheError, match=f"the cache {cache} cannot be written: .*--cache-dir"):
        fetch(small, cache=cache)


def test_a_full_disk(small: LockedPackage, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(number: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("conda_docker.package.fetch.partial_download.os.write", write)
    with pytest.raises(CacheError, match="No space left on device"):
        fetch(small, cache=cache)
    assert left_in(cache) == []


def test_a_full_file_system(large: LockedPackage, tmp_path: Path) -> None:
    cache = tmp_path / "small-disk"
    cache.mkdir()
    script = f"""
import pickle, sys
from pathlib import Path
from conda_docker.package.fetch.fetch import fetch_packages
try:
    list(fetch_packages([pickle.loads({_pickled(large)!r})], Path({str(cache)!r})))
except Exception as error:
    print(type(error).__name__, error)
"""
    mount = f'mount -t tmpfs -o size=1m tmpfs {cache} && exec {sys.executable} -c "$0"'
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, script]
    ended = subprocess.run(unshare, capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in ended.stderr or "mount" in ended.stderr:
        pytest.skip(f"no small file system can be mounted here: {ended.stderr.strip()}")
    assert ended.stdout.startswith("CacheError the cache"), ended.stderr
    assert "No space left on device" in ended.stdout


def test_a_cache_that_may_only_be_read_serves_what_it_has(
    small: LockedPackage, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch(small, cache=cache)["small"]

    def utime(path: object, *times: object) -> None:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("conda_docker.package.fetch.find.os.utime", utime)
    assert fetch(small, cache=cache) == {"small": path}


# -- several at once, and killed ---------------------------------------------------------------------------------------


def test_two_downloads_of_one_package_do_not_disturb_each_other(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.always = Fault(pause=0.05)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(large, cache=cache), range(4)))
    assert {path.read_bytes() for paths in found for path in paths.values()} == {
        synthetic_channel.path(LARGE).read_bytes()
    }
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


_FETCH = """
import pickle, sys
from pathlib import Path
from conda_docker.package.fetch.fetch import fetch_packages
record = pickle.loads(sys.stdin.buffer.read())
print([str(path) for _, path in fetch_packages([record], Path(sys.argv[1]))])
"""


def _pickled(record: LockedPackage) -> bytes:
    import pickle

    return pickle.dumps(replace(record, record=dict(record.record)))


def start_fetching(record: LockedPackage, cache: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(_pickled(record))
    process.stdin.close()
    process.stdin = None
    return process


def test_two_processes_at_once_both_get_it(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.always = Fault(pause=0.02)
    processes = [start_fetching(large, cache) for _ in range(3)]
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert str(download_path(large, cache)).encode() in output
    assert download_path(large, cache).read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


def test_after_a_kill_the_next_process_goes_on(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.always = Fault(pause=0.05)
    process = start_fetching(large, cache)
    partial = cache / "packages" / f".{large.sha256}-{large.file_name}.partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size > 300_000):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not download_path(large, cache).exists()
    kept = partial.stat().st_size
    server.always = None
    fetch(large, cache=cache)
    assert (server.ranges[-1] or "").startswith(f"bytes={kept}-")
    assert download_path(large, cache).read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


# -- credentials -------------------------------------------------------------------------------------------------------


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def elsewhere(tmp_path: Path, serve: Serve) -> FaultyServer:
    """Return another server, to which no credentials may go."""
    (tmp_path / "elsewhere").mkdir()
    return serve(tmp_path / "elsewhere")


def test_user_and_password_in_the_url(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.authorization = basic("me", "p@ss/word")
    fetch(replace(small, url=small.url.replace("://", "://me:p%40ss%2Fword@")), cache=cache)


def test_a_token_in_the_url(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.token = "tk-1"
    fetch(replace(small, url=small.url.replace("/linux-64", "/t/tk-1/linux-64")), cache=cache)


def test_credentials_do_not_follow_a_redirect_to_another_host(
    small: LockedPackage,
    server: FaultyServer,
    elsewhere: FaultyServer,
    cache: Path,
    synthetic_channel: SyntheticChannel,
) -> None:
    (elsewhere.folder / "blob").write_bytes(synthetic_channel.path(SMALL).read_bytes())
    server.faults.append(Fault(status=302, headers={"Location": f"{elsewhere.url}/blob?signature=s"}))
    fetch(replace(small, url=small.url.replace("://", "://me:secret@")), cache=cache)
    assert [request.authorization for request in server.requests] == [basic("me", "secret")]
    assert [request.authorization for request in elsewhere.requests] == [None]


def test_credentials_stay_on_a_redirect_within_the_host(
    small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.authorization = basic("me", "secret")
    server.faults.append(Fault(status=307, headers={"Location": f"/linux-64/{small.file_name}?again"}))
    fetch(replace(small, url=small.url.replace("://", "://me:secret@")), cache=cache)
    assert server.requests[-1].authorization == basic("me", "secret")


@pytest.mark.parametrize("location", ["ftp://host/file", "file:///etc/passwd", "//"])
def test_a_redirect_to_what_is_no_web_address(
    location: str, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(status=302, headers={"Location": location})
    with pytest.raises(DownloadError, match="cannot"):
        fetch(small, cache=cache)


def test_redirects_without_end(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(status=302, headers={"Location": "/linux-64/again"})
    with pytest.raises(DownloadError, match="redirects without end"):
        fetch(small, cache=cache)


def store_of_rattler(home: Path, content: object) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"BasicHTTP": {"username": "me", "password": "secret"}}, basic("me", "secret")),
        ({"BearerToken": "abc"}, "Bearer abc"),
        ({"OAuth": {"access_token": "abc", "expires_at": None, "client_id": "x", "token_endpoint": "y"}}, "Bearer abc"),
    ],
)
def test_rattlers_store(
    stored: object, wanted: str, small: LockedPackage, server: FaultyServer, cache: Path, home: Path
) -> None:
    store_of_rattler(home, {"127.0.0.1": stored, "other.example.org": {"BearerToken": "wrong"}})
    server.authorization = wanted
    fetch(small, cache=cache)


def test_rattlers_store_of_conda_tokens(small: LockedPackage, server: FaultyServer, cache: Path, home: Path) -> None:
    store_of_rattler(home, {"127.0.0.1": {"CondaToken": "tk-9"}})
    server.token = "tk-9"
    fetch(small, cache=cache)


def test_the_file_that_rattler_is_told_of(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of_rattler(home, {"127.0.0.1": {"BearerToken": "other"}})
    (home / "auth.json").write_text(json.dumps({"127.0.0.1": {"BearerToken": "abc"}}))
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(home / "auth.json"))
    server.authorization = "Bearer abc"
    fetch(small, cache=cache)


def test_a_store_that_is_no_json(small: LockedPackage, cache: Path, home: Path) -> None:
    (home / ".rattler").mkdir()
    (home / ".rattler/credentials.json").write_text('{"127.0.0.1": "secret')
    with pytest.raises(Error, match=r"credentials.json cannot be read: it is not JSON") as caught:
        fetch(small, cache=cache)
    assert "secret" not in str(caught.value)


def test_condas_tokens(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.parse import quote_plus

    monkeypatch.setenv("BINSTAR_CONFIG_DIR", str(home / "binstar"))
    (home / "binstar/data").mkdir(parents=True)
    (home / "binstar/data" / f"{quote_plus(server.url)}.token").write_text("tk-7")
    server.token = "tk-7"
    fetch(small, cache=cache)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"type": "BasicHTTPAuthentication", "user": "me", "password": "c2VjcmV0"}, basic("me", "secret")),
        ({"type": "BearerToken", "token": "abc"}, "Bearer abc"),
    ],
)
def test_mambas_store(
    stored: object, wanted: str, small: LockedPackage, server: FaultyServer, cache: Path, home: Path
) -> None:
    (home / ".mamba/auth").mkdir(parents=True)
    host = server.url.partition("://")[2]
    store = {f"{host}/linux": {"type": "BearerToken", "token": "other"}, f"{host}/linux-64": stored}
    (home / ".mamba/auth/authentication.json").write_text(json.dumps(store))
    server.authorization = wanted
    fetch(small, cache=cache)


def test_netrc(small: LockedPackage, server: FaultyServer, cache: Path, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    server.authorization = basic("me", "secret")
    fetch(small, cache=cache)


def test_a_broken_netrc_does_not_matter(small: LockedPackage, cache: Path, home: Path) -> None:
    (home / ".netrc").write_text("machine\n\nlogin password\n nonsense")
    fetch(small, cache=cache)


def test_what_is_refused_says_how_to_log_in(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.authorization = basic("me", "secret")
    with pytest.raises(DownloadError, match=r"access is denied; log in with .* \(HTTP 401\)"):
        fetch(small, cache=cache)


def test_what_is_refused_to_us_is_tried_by_rattler(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, synthetic_channel: SyntheticChannel
) -> None:
    # A token that has expired as far as we can tell is rattler's to renew; here it finds that it need not.
    expired = {"access_token": "abc", "refresh_token": None, "client_id": "x", "token_endpoint": f"{server.url}/token"}
    store_of_rattler(home, {"127.0.0.1": {"OAuth": {**expired, "expires_at": int(time.time()) + 30}}})
    server.authorization = "Bearer abc"
    fetch(small, cache=cache)
    assert server.requests[0].authorization is None
    assert download_path(small, cache).read_bytes() == synthetic_channel.path(SMALL).read_bytes()


def test_what_only_rattler_can_reach_goes_to_rattler(small: LockedPackage, cache: Path) -> None:
    record = replace(small, url="oci://me:secret@127.0.0.1:9/team/linux-64/small-1.0-0.conda")
    with pytest.raises(DownloadError, match=r"cannot download oci://127.0.0.1:9/team/.*: .*manifests") as caught:
        fetch(record, cache=cache)
    assert "secret" not in str(caught.value)
    assert left_in(cache) == []


# -- how to talk HTTP --------------------------------------------------------------------------------------------------


def test_certificates_of_the_configuration_come_first(tmp_path: Path) -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/requests.pem", "CURL_CA_BUNDLE": "/curl.pem"}
    assert http_options(CondaConfiguration(ssl_verify="/conda.pem"), environ).ca_bundle == Path("/conda.pem")
    assert http_options(CondaConfiguration(ssl_verify=True), environ).ca_bundle == "/requests.pem"
    assert http_options(CondaConfiguration(), {"CURL_CA_BUNDLE": "/curl.pem"}).ca_bundle == "/curl.pem"
    assert http_options(CondaConfiguration(ssl_verify="truststore"), {}).ca_bundle is None


def test_certificates_are_verified_unless_the_configuration_says_otherwise() -> None:
    assert not http_options(CondaConfiguration(), {}).insecure
    assert http_options(CondaConfiguration(ssl_verify=False), {}).insecure


def test_proxies_of_the_configuration_come_first() -> None:
    from python_docker.http.proxy import proxy_for

    configuration = CondaConfiguration(proxy_servers={"https": "http://proxy.example.org:3128"})
    environ = http_options(configuration, {"HTTPS_PROXY": "http://other:1", "http_proxy": "http://plain:1"}).environ
    assert proxy_for("https://conda.example.org/a", environ) == "http://proxy.example.org:3128"
    assert proxy_for("http://conda.example.org/a", environ) == "http://plain:1"


def test_a_certificate_that_nobody_trusts(
    small: LockedPackage, server: FaultyServer, cache: Path, tls_proxy: Callable[[FaultyServer], str]
) -> None:
    url = tls_proxy(server)
    with pytest.raises(DownloadError, match=r"certificate of localhost:.* cannot be trusted: .*`ssl_verify`") as caught:
        fetch(replace(small, url=small.url.replace(server.url, url)), cache=cache)
    assert "RegistryOptions" not in str(caught.value)


def test_a_certificate_that_the_configuration_trusts(
    small: LockedPackage, server: FaultyServer, cache: Path, home: Path, tls_proxy: Callable[[FaultyServer], str]
) -> None:
    url = tls_proxy(server)
    (home / ".condarc").write_text(f"ssl_verify: {home}/authority.pem\n")
    fetch(replace(small, url=small.url.replace(server.url, url)), cache=cache, options=None)


@pytest.fixture
def tls_proxy(home: Path) -> Iterator[Callable[[FaultyServer], str]]:
    """Return what puts TLS before a server and gives the new URL; the certificate is `authority.pem` in the home."""
    import ssl

    certificate, key = home / "authority.pem", home / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    running: list[FaultyServer] = []

    def start(behind: FaultyServer) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        running.append(FaultyServer(behind.folder, tls=context))
        return running[-1].url.replace("127.0.0.1", "localhost")

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1e3", "0x10"])
def test_a_length_that_is_no_number_is_refused_at_once(
    length: str, small: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.always = Fault(headers={"Content-Length": length})
    with pytest.raises(DownloadError, match=r"is not valid HTTP: its Content-Length") as caught:
        fetch(small, cache=cache)
    assert len(server.requests) == 1
    assert "--insecure" not in str(caught.value)


@pytest.mark.parametrize("content_range", [f"bytes 1500000-{'9' * 5000}/{'9' * 5000}", "bytes -1-5/6", "é" * 1000])
def test_a_nonsensical_range_is_not_taken(
    content_range: str, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    wrong = Fault(status=206, headers={"Content-Range": content_range})
    server.faults += [Fault(cut=1_500_000), wrong]
    fetch(large, cache=cache)
    assert server.ranges[-1] is None


def test_a_head_without_end_is_refused(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(headers={f"X-{number}": "x" * 5000 for number in range(80)})
    with pytest.raises(DownloadError, match="head is too long"):
        fetch(small, cache=cache)
    assert len(server.requests) == 1
