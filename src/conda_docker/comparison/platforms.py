"""compare_platforms: two sides on every platform that both are for; `docs/json.md` documents the result as a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.comparison.compare import Comparison, compare

if TYPE_CHECKING:
    from conda_docker.comparison.side import Opened
    from python_docker.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs on each platform that was compared.

    `only_before` and `only_after` are platforms that one side alone names. `not_compared` are subdirs of both, such as
    `osx-64`, whose packages run in no image. `differs` is whether anything is not the same on any platform; one that a
    side lacks counts where both name theirs.
    """

    before: str
    after: str
    differs: bool
    platforms: tuple[Comparison, ...]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()


def compare_platforms(before: Opened, after: Opened, platform: Platform | None = None) -> Differences:
    """Return what differs on `platform`, or on all platforms that both sides have (None).

    Where they share none, each is read for the platform that it stands for here, as `Opened.read` says.
    """
    if platform is not None:
        found = compare(before.read(platform), after.read(platform))
        return Differences(before.name, after.name, found.differs, (found,))
    compared = _compared(before, after)
    only_before = _others(before, {each.before_platform for each in compared}, after)
    only_after = _others(after, {each.after_platform for each in compared}, before)
    lacking = bool(before.platforms and after.platforms and (only_before or only_after))
    return Differences(
        before.name,
        after.name,
        lacking or any(each.differs for each in compared),
        compared,
        only_before,
        only_after,
        tuple(subdir for subdir in before.subdirs if subdir in after.subdirs),
    )


def _compared(before: Opened, after: Opened) -> tuple[Comparison, ...]:
    pairs = [(each, _matching(each, after.platforms)) for each in before.platforms]
    shared = [(one, other) for one, other in pairs if other is not None]
    if shared:
        return tuple(compare(before.read(one), after.read(other)) for one, other in shared)
    # What names no platforms is read first: the other may have the same one among several.
    if before.platforms:
        second = after.read(None)
        return (compare(before.read(_named(second.platform, before.platforms)), second),)
    first = before.read(None)
    return (compare(first, after.read(_named(first.platform, after.platforms))),)


def _matching(wanted: Platform, platforms: Sequence[Platform]) -> Platform | None:
    return next((each for each in platforms if each.matches(wanted)), None)


def _named(name: str, platforms: Sequence[Platform]) -> Platform | None:
    from python_docker.spec.platform import Platform

    return _matching(Platform.of(*name.split("/")), platforms)


def _others(side: Opened, compared: set[str], other: Opened) -> tuple[str, ...]:
    """Return the platforms and subdirs of a side that were not compared, since the other side does not name them."""
    platforms = [str(each) for each in side.platforms if str(each) not in compared]
    return (*platforms, *(subdir for subdir in side.subdirs if subdir not in other.subdirs))
