"""What has come of a file is kept next to it, for one process at a time, until it is whole."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import CacheError
from conda_docker.package.fetch import partial_download
from conda_docker.package.fetch.find import download_path
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.conda_docker.package.fetch.fetching import LARGE, fetch, left_in
from tests.processes import LONG, ended_with_us, wait_for

HALF = Fault(held=1_500_000)
"""The rest comes when all is over."""


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
    refused = [line for line in ended.stderr.splitlines() if line.startswith(("unshare:", "mount:"))]
    if refused:
        pytest.skip(f"no small file system can be mounted here: {refused[0]}")
    assert ended.stdout.startswith("CacheError the cache"), ended.stderr
    assert "No space left on device" in ended.stdout


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


@contextmanager
def fetching(record: LockedPackage, cache: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that fetches a package; it ends with the block at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with ended_with_us(process):
        assert process.stdin is not None
        process.stdin.write(_pickled(record))
        process.stdin.close()
        process.stdin = None
        yield process


def test_processes_at_once_all_get_it_by_one_download(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.always = Fault(pause=0.02)
    with ExitStack() as running:
        processes = [running.enter_context(fetching(large, cache)) for _ in range(3)]
        for process in processes:
            output, errors = process.communicate(timeout=LONG)
            assert process.returncode == 0, errors
            assert str(download_path(large, cache)).encode() in output
    assert download_path(large, cache).read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]
    assert len(server.requests) == 1


def test_what_has_just_come_to_another_is_not_downloaded_again(
    large: LockedPackage, server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(large, cache=cache)
    monkeypatch.setattr("conda_docker.package.fetch.fetch.find_package", lambda *_, **__: None)  # a moment ago
    assert fetch(large, cache=cache) == {"large": download_path(large, cache)}
    assert len(server.requests) == 1
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]


def test_who_waits_for_a_process_that_is_killed_goes_on_at_once(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.faults.append(HALF)
    with fetching(large, cache) as first, ThreadPoolExecutor(1) as pool:
        _wait_for_half(first, large, cache)
        second = pool.submit(fetch, large, cache=cache)
        time.sleep(0.2)
        assert len(server.requests) == 1
        first.kill()
        first.communicate()
        assert second.result(timeout=120)["large"].read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    assert (server.ranges[-1] or "").startswith("bytes=")
    assert len(server.requests) == 2


def test_who_gets_nothing_is_not_waited_for(
    large: LockedPackage,
    server: FaultyServer,
    cache: Path,
    synthetic_channel: SyntheticChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partial_download, "_PATIENCE", 0.2)
    server.faults.append(HALF)
    with fetching(large, cache) as first:
        _wait_for_half(first, large, cache)
        first.send_signal(signal.SIGSTOP)
        assert fetch(large, cache=cache)["large"].read_bytes() == synthetic_channel.path(LARGE).read_bytes()


def _wait_for_half(process: subprocess.Popen[bytes], record: LockedPackage, cache: Path) -> Path:
    """Wait until some of a package has come to a process, and return where that is."""
    partial = cache / "packages" / f".{record.sha256}-{record.file_name}.partial"
    wait_for(lambda: partial.exists() and partial.stat().st_size > 300_000, process)
    return partial


def test_after_a_kill_the_next_process_goes_on(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.faults.append(HALF)
    with fetching(large, cache) as process:
        partial = _wait_for_half(process, large, cache)
    assert not download_path(large, cache).exists()
    kept = partial.stat().st_size
    fetch(large, cache=cache)
    assert (server.ranges[-1] or "").startswith(f"bytes={kept}-")
    assert download_path(large, cache).read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]
