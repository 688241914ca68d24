"""Packages arrive, layers are written and kept, each part for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from conda_docker.environment.wheels import LockedWheel
from conda_docker.layers.member import Member
from conda_docker.layers.pipeline import ready_layers
from python_docker.parallel import Stop

A, B = (LockedWheel(name=name, version="1", url=f"file:///{name}-1-py3-none-any.whl", size=1) for name in "ab")


def arrive(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
    for member in members:
        yield member, Path(member.name)


def written(position: int, group: Sequence[Member], paths: Sequence[Path]) -> str:
    return f"{position}: {' '.join(map(str, paths))}"


def test_what_was_found_and_what_is_made_are_given_once_each() -> None:
    ready = ready_layers(["0: known"], {1: (A,), 2: (A, B)}, arrive, written, str.upper, workers=2, stop=Stop())
    assert sorted(ready) == ["0: KNOWN", "1: A", "2: A B"]


def test_what_was_found_is_given_before_packages_arrive() -> None:
    given = threading.Event()

    def wait(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        assert given.wait(30)
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
