"""Large packages that are read while they are downloaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import DownloadError, WrongPackage
from conda_docker.package.archive import open_package
from conda_docker.package.fetch import download
from conda_docker.package.fetch.fetch import fetch_early
from conda_docker.package.fetch.find import download_path
from python_docker.parallel import Stop
from python_docker.streams.growing import Abandoned, GrowingFile
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.faulty_server import Fault, FaultyServer
from tests.conda_docker.package.fetch.fetching import LARGE, QUICK, Serve, left_in

END = 128 << 10


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_EARLY", 1_000_000)


def begin(record: LockedPackage, cache: Path, **options: object) -> Iterator[tuple[LockedPackage, Path | GrowingFile]]:
    return fetch_early([record], cache, options=QUICK, **options)  # type: ignore[arg-type]


def first(fetched: Iterator[tuple[LockedPackage, Path | GrowingFile]]) -> GrowingFile:
    growing = next(fetched)[1]
    assert isinstance(growing, GrowingFile)
    return growing


def test_a_conda_package_is_given_when_its_end_is_there(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    fetched = begin(large, cache)
    growing = first(fetched)
    # The metadata is in the end, and what comes before it in no hurry.
    assert open_package(growing).metadata.name == "large"
    assert growing.open().read() == synthetic_channel.path(LARGE).read_bytes()
    growing.wait()
    assert list(fetched) == [(large, download_path(large, cache))]
    size = large.size or 0
    assert server.ranges == [f"bytes={size - END}-{size - 1}", f"bytes=0-{size - END - 1}"]


def test_what_it_says_of_itself_is_read_before_its_files_come(
    large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    server.faults += [Fault(), Fault(held=1000)]
    fetched = begin(large, cache)
    package = open_package(first(fetched))
    assert package.metadata.paths[0].path == "share/large"
    assert not download_path(large, cache).exists()
    server.released.set()
    entry, content = next(package.entries())
    assert len(content.read()) == entry.size


def test_a_tar_bz2_is_read_in_its_order(synthetic_channel: SyntheticChannel, server: FaultyServer, cache: Path) -> None:
    synthetic_channel.add(LARGE, suffix=".tar.bz2")
    record = synthetic_channel.locked(LARGE, ".tar.bz2", url=server.url)
    server.faults.append(Fault(held=1_500_000))
    fetched = begin(record, cache)
    growing = first(fetched)
    assert open_package(growing).metadata.name == "large"
    assert not download_path(record, cache).exists()
    server.released.set()
    growing.wait()
    assert server.ranges == [None]


def test_a_server_that_gives_no_parts_is_asked_once(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.always = Fault(ignore_range=True)
    assert list(begin(large, cache)) == [(large, download_path(large, cache))]
    assert len(server.requests) == 1


@pytest.mark.parametrize("missing", ["sha256", "md5", "size"])
def test_what_is_not_known_in_full_is_given_when_it_is_whole(
    missing: str, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    record = replace(large, **{missing: None})  # type: ignore[arg-type]
    assert list(begin(record, cache)) == [(record, download_path(record, cache))]


def test_a_small_one_is_given_when_it_is_whole(small: LockedPackage, server: FaultyServer, cache: Path) -> None:
    assert list(begin(small, cache)) == [(small, download_path(small, cache))]
    assert server.ranges == [None]


def test_one_that_is_cut_goes_on(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(), Fault(cut=1_000_000), Fault(cut=300_000, reset=True)]
    growing = first(fetched := begin(large, cache))
    assert open_package(growing).metadata.name == "large"
    growing.wait()
    assert list(fetched) == [(large, download_path(large, cache))]
    assert server.ranges[2] == f"bytes=1000000-{(large.size or 0) - END - 1}"


def test_the_next_run_goes_on_where_it_was_cut_for_good(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.faults += [Fault(), *(Fault(cut=100_000) for _ in range(4))]
    fetched = begin(large, cache)
    growing = first(fetched)
    with pytest.raises(DownloadError):
        next(fetched)
    with pytest.raises(Abandoned):
        growing.wait()
    assert left_in(cache) == [f".{large.sha256}-{large.file_name}.partial"]
    before = len(server.requests)
    growing = first(fetched := begin(large, cache))
    growing.wait()
    assert growing.open().read() == synthetic_channel.path(LARGE).read_bytes()
    assert server.ranges[before + 1] not in (None, f"bytes=0-{(large.size or 0) - END - 1}")
    list(fetched)


def test_one_of_another_hash_is_of_no_use(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    fetched = begin(replace(large, sha256=64 * "0"), cache)
    growing = first(fetched)
    with pytest.raises(WrongPackage, match="its sha256 is"):
        next(fetched)
    with pytest.raises(Abandoned):
        growing.wait()
    assert left_in(cache) == []
    assert server.ranges[2:] == [None], "asked once more, for all in one piece"


@pytest.mark.parametrize("change", [-1, 1])
def test_one_of_another_length_is_asked_for_once_and_refused(
    change: int, large: LockedPackage, server: FaultyServer, cache: Path
) -> None:
    with pytest.raises(WrongPackage, match="bytes instead of"):
        list(begin(replace(large, size=(large.size or 0) + change), cache))
    assert server.ranges[1:] == [None]


def test_an_end_of_another_file_is_found_out(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    size = large.size or 0
    headers = {"Content-Range": f"bytes {size - END}-{size - 1}/{size}"}
    server.faults.append(Fault(status=206, body=bytes(END), headers=headers))
    fetched = begin(large, cache)
    growing = first(fetched)
    assert list(fetched) == [(large, download_path(large, cache))]
    assert download_path(large, cache).read_bytes() == synthetic_channel.path(LARGE).read_bytes()
    with pytest.raises(Abandoned):
        growing.wait()


def test_an_end_of_another_mirror_counts_for_nothing(
    large: LockedPackage,
    server: FaultyServer,
    serve: Serve,
    cache: Path,
    home: Path,
    synthetic_channel: SyntheticChannel,
) -> None:
    # Its bytes are those that are read, and not those that are hashed: these come from the next mirror.
    size = large.size or 0
    wrong = serve(synthetic_channel.folder)
    headers = {"Content-Range": f"bytes {size - END}-{size - 1}/{size}"}
    wrong.faults += [Fault(status=206, body=bytes(END), headers=headers), Fault(cut=1_000_000)]
    wrong.always = Fault(status=500, body=b"")
    places = [wrong.url, server.url]
    (home / ".condarc").write_text(f"channel_alias: http://conda.invalid\nmirrored_channels: {{team: {places}}}\n")
    record = replace(large, url=f"http://conda.invalid/team/linux-64/{large.file_name}")
    fetched = begin(record, cache)
    growing = first(fetched)
    assert list(fetched) == [(record, download_path(record, cache))]
    assert server.ranges == [f"bytes=1000000-{size - 1}"]
    with pytest.raises(Abandoned):
        growing.wait()


def test_nobody_waits_for_what_was_given_up(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    stop = Stop()
    server.faults += [Fault(), Fault(held=0)]
    fetched = begin(large, cache, stop=stop)
    growing = first(fetched)
    threading.Timer(0.1, stop.set, [OSError("the registry has gone")]).start()
    with pytest.raises(Abandoned):
        growing.wait()
    with pytest.raises(CancelledError):
        next(fetched)
    assert not server.released.is_set()


def test_who_wants_no_more_packages_ends_all(large: LockedPackage, server: FaultyServer, cache: Path) -> None:
    server.faults += [Fault(), Fault(pause=0.5)]
    fetched = begin(large, cache)
    growing = first(fetched)
    fetched.close()  # type: ignore[attr-defined]
    with pytest.raises(Abandoned):
        growing.wait()


def test_of_two_at_once_one_reads_early_and_the_other_waits(
    large: LockedPackage, server: FaultyServer, cache: Path, synthetic_channel: SyntheticChannel
) -> None:
    server.always = Fault(pause=0.01)
    one, other = begin(large, cache), begin(large, cache)
    growing = first(one)
    assert growing.open().read() == synthetic_channel.path(LARGE).read_bytes()
    growing.wait()
    for run in (one, other):
        assert [path for _, path in run] == [download_path(large, cache)]
    assert left_in(cache) == [f"{large.sha256}-{large.file_name}"]
