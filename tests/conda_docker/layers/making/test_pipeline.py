"""Packages arrive, layers are written and kept, each part for itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.layers.making.pipeline import ready_layers
from conda_docker.layers.member import Member
from conda_docker.package.conda_format import PackageFile
from python_docker.errors import Error
from python_docker.parallel import Stop
from python_docker.streams.growing import GrowingFile

A, B = (LockedWheel(name=name, version="1", url=f"file:///{name}-1-py3-none-any.whl", size=1) for name in "ab")


def arrive(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
    for member in members:
        yield member, Path(member.name)


def written(position: int, group: Sequence[Member], paths: Sequence[PackageFile]) -> str:
    return f"{position}: {' '.join(path.name for path in paths)}"


def growing(member: Member) -> GrowingFile:
    return GrowingFile(f"growing {member.name}", 1, os.open(os.devnull, os.O_RDONLY))


def test_what_was_found_and_what_is_made_are_given_once_each() -> None:
    ready = ready_layers(["0: known"], {1: (A,), 2: (A, B)}, arrive, written, str.upper, workers=2, stop=Stop())
    assert sorted(ready) == ["0: KNOWN", "1: A", "2: A B"]


def test_what_was_found_is_given_before_packages_arrive() -> None:
    given = threading.Event()

    def wait(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        assert given.wait(120)
        yield from arrive(members)

    ready = ready_layers(["known"], {1: (A,)}, wait, written, str, workers=1, stop=Stop())
    assert next(ready) == "known"
    given.set()
    assert list(ready) == ["1: a"]


@pytest.mark.parametrize("part", ["fetch", "write", "keep"])
def test_an_error_in_one_part_ends_the_others(part: str) -> None:
    def fail(*_: object) -> str:
        raise LookupError(part)

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        if part == "fetch":
            fail()
        yield from arrive(members)

    stop = Stop()
    write, keep = (fail if part == "write" else written), (fail if part == "keep" else str)
    with pytest.raises(LookupError, match=part):
        list(ready_layers([], {0: (A,)}, fetch, write, keep, workers=1, stop=stop))
    with pytest.raises((LookupError, CancelledError)):
        stop.check()


def test_whoever_sets_stop_elsewhere_is_heard() -> None:
    stop = Stop()

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        stop.set(LookupError("elsewhere"))
        yield from ()

    with pytest.raises(LookupError, match="elsewhere"):
        list(ready_layers([], {0: (A,)}, fetch, written, str, workers=1, stop=stop))


def test_who_wants_no_more_layers_stops_all() -> None:
    stop = Stop()
    ready = ready_layers(["known"], {}, arrive, written, str, workers=1, stop=stop)
    next(ready)
    assert isinstance(ready, Iterator)
    ready.close()  # type: ignore[attr-defined]
    with pytest.raises(CancelledError):
        stop.check()


def test_a_package_is_written_while_it_comes_and_not_again() -> None:
    written_early = threading.Event()

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        yield A, growing(A)
        assert written_early.wait(120)
        yield from arrive(members)

    def write(position: int, group: Sequence[Member], paths: Sequence[PackageFile]) -> str:
        written_early.set()
        return written(position, group, paths)

    ready = ready_layers([], {0: (A,), 1: (B,)}, fetch, write, str, workers=1, stop=Stop())
    assert sorted(ready) == ["0: growing a", "1: b"]


def test_a_package_that_shares_a_layer_is_awaited() -> None:
    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        yield A, growing(A)
        yield from arrive(members)

    assert list(ready_layers([], {0: (A, B)}, fetch, written, str, workers=1, stop=Stop())) == ["0: a b"]


@pytest.mark.parametrize("error", [Error("it was another"), CancelledError(), LookupError()])
@pytest.mark.parametrize("sooner", [True, False])
def test_what_fails_while_it_comes_is_written_once_it_is_there(error: Exception, sooner: bool) -> None:
    arrived, failed = threading.Event(), threading.Event()

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        yield A, growing(A)
        if sooner:
            assert failed.wait(120)
        yield from arrive(members)
        arrived.set()

    def write(position: int, group: Sequence[Member], paths: Sequence[PackageFile]) -> str:
        if isinstance(paths[0], GrowingFile):
            assert sooner or arrived.wait(120)
            failed.set()
            raise error
        return written(position, group, paths)

    assert list(ready_layers([], {0: (A,)}, fetch, write, str, workers=1, stop=Stop())) == ["0: a"]


def test_what_nobody_got_to_while_it_came_is_written_as_others_are() -> None:
    members = [LockedWheel(name=f"p{number}", version="1", url=f"file:///p{number}.whl", size=1) for number in range(6)]
    others = threading.Event()

    def fetch(_: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        for member in members:
            yield member, growing(member)
        yield from arrive(members)

    def write(position: int, group: Sequence[Member], paths: Sequence[PackageFile]) -> str:
        if isinstance(paths[0], GrowingFile):
            assert others.wait(120), "the others need not wait for those that are read while they come"
        elif position == len(members) - 1:
            others.set()
        return written(position, group, paths)

    groups = {number: (member,) for number, member in enumerate(members)}
    ready = sorted(ready_layers([], groups, fetch, write, str, workers=1, stop=Stop()))
    assert [line.partition(":")[0] for line in ready] == [str(number) for number in groups]
    assert sum("growing" in line for line in ready) == 1


def test_an_interruption_of_what_is_written_while_it_comes_ends_all() -> None:
    stop = Stop()

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        yield A, growing(A)
        stop.future.exception(120)
        raise CancelledError

    def write(*_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(ready_layers([], {0: (A,)}, fetch, write, str, workers=1, stop=stop))
    assert stop.is_set()


def test_a_thread_that_cannot_be_had_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("keep"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        list(ready_layers([], {0: (A,)}, arrive, written, str, workers=1, stop=Stop()))
