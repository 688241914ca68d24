"""Which platforms of two sides are compared."""

from __future__ import annotations

from conda_docker.comparison.compare import Package, Side
from conda_docker.comparison.platforms import Differences, compare_platforms
from conda_docker.comparison.side import Opened
from python_docker.spec.platform import Platform

AMD, ARM = "linux/amd64", "linux/arm64"


def lists(*platforms: str, subdirs: tuple[str, ...] = ()) -> Opened:
    """Return what names its platforms, and is read for amd64 where none is asked for."""
    return Opened("x", subdirs, tuple(map(Platform.parse, platforms)), lambda platform: side(str(platform or AMD)))


def single(platform: str) -> Opened:
    """Return what is for one platform, and does not name it before it is read."""
    return Opened("x", (), (), lambda _: side(platform))


def side(platform: str) -> Side:
    return Side("x", "file", platform, (Package("conda", "a", "1"),))


def compared(found: Differences) -> list[tuple[str, str]]:
    return [(each.before_platform, each.after_platform) for each in found.platforms]


def test_those_that_both_have() -> None:
    found = compare_platforms(lists(AMD, ARM), lists("linux/arm64/v8", "linux/s390x"))
    assert compared(found) == [(ARM, "linux/arm64/v8")]
    assert (found.only_before, found.only_after, found.differs) == ((AMD,), ("linux/s390x",), True)


def test_the_one_of_a_side_that_names_none() -> None:
    found = compare_platforms(lists(AMD, ARM), single(ARM))
    assert (compared(found), found.only_before, found.differs) == ([(ARM, ARM)], (AMD,), False)
    found = compare_platforms(single(ARM), lists(AMD, ARM))
    assert (compared(found), found.only_after, found.differs) == ([(ARM, ARM)], (AMD,), False)


def test_none_in_common() -> None:
    assert compared(compare_platforms(single(AMD), single(ARM))) == [(AMD, ARM)]
    found = compare_platforms(lists(AMD), single(ARM))
    assert (compared(found), found.only_before) == ([(AMD, ARM)], ())


def test_the_one_that_is_asked_for() -> None:
    found = compare_platforms(lists(AMD, ARM), lists(AMD, ARM), Platform.parse(ARM))
    assert (compared(found), found.only_before, found.differs) == ([(ARM, ARM)], (), False)


def test_subdirs_that_no_image_runs() -> None:
    found = compare_platforms(lists(AMD, subdirs=("osx-64", "win-64")), lists(AMD, subdirs=("osx-64",)))
    assert (found.not_compared, found.only_before, found.differs) == (("osx-64",), ("win-64",), True)
