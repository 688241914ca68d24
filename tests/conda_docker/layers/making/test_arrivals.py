"""A group is written once all of its packages are there, and the one with the most work is begun first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from conda_docker.environment.locked import LockedPackage, package_from_url
from conda_docker.layers.making.arrivals import Arrivals, complete_groups, work_of
from conda_docker.layers.member import Member


def package(name: str, *, size: int | None = None, noarch: str | None = None) -> LockedPackage:
    return replace(package_from_url(f"https://host/noarch/{name}-1-0.conda"), size=size, noarch=noarch)


def test_a_group_is_complete_with_its_last_package() -> None:
    a, b, c = map(package, "abc")
    arrived: list[str] = []

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        assert list(members) == [a, c, b]
        for member in (c, b, a):
            arrived.append(member.name)
            yield member, Path(member.name)

    complete = complete_groups({0: (a, c), 4: (b,)}, fetch)
    assert next(complete) == (4, [Path("b")])
    assert arrived == ["c", "b"]
    assert next(complete) == (0, [Path("a"), Path("c")])
    assert next(complete, None) is None


def test_byte_compiling_is_work() -> None:
    assert work_of((package("a", size=10), package("b"))) == 10
    assert work_of((package("a", size=10, noarch="python"),)) > work_of((package("b", size=70),))


def test_the_most_work_is_taken_first() -> None:
    arrivals = Arrivals()
    for number, work in enumerate((5, 90, 20)):
        arrivals.put(number, [Path(str(number))], work)
    assert [arrivals.take() for _ in range(3)] == [(1, [Path("1")]), (2, [Path("2")]), (0, [Path("0")])]
