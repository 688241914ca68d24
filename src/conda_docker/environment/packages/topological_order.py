"""The order in which packages are linked: dependencies first. The last one wins a path that two packages bring."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

# Where a package's name ends in a match spec.
_NAME_END = re.compile(r"[\s<>=!~;\[]")


class Dependent(Protocol):
    """What is needed of a package here."""

    @property
    def name(self) -> str: ...
    @property
    def depends(self) -> Sequence[str]: ...
    @property
    def noarch(self) -> str | None: ...


Package = TypeVar("Package", bound=Dependent)


def topological_order(packages: Iterable[Package]) -> list[Package]:
    """Return `packages` in the order of rattler's installer (`PackageRecord.sort_topologically`).

    It does not depend on the order of `packages`. Names must be unique: of two packages with one name the later stays.

    The rules, which decide who wins a path (facts: rattler_conda_types, topological_sort): the packages that no other
    needs, sorted by name, are visited from the last name to the first; each comes after its dependencies, which are
    visited from the last name to the first too. A circle is cut where a package of an architecture needs a noarch one.
    """
    by_name = {package.name: package for package in packages}
    needs = {name: [match_spec_name(spec) for spec in package.depends] for name, package in by_name.items()}
    cut = _cuts(needs, {name for name, package in by_name.items() if package.noarch is None})
    needs = {name: [need for need in found if (name, need) not in cut] for name, found in needs.items()}
    needed = {need for found in needs.values() for need in found}

    order: list[str] = []
    visited: set[str] = set()
    _visit(sorted(by_name.keys() - needed), needs, visited, order)
    # What is left needs itself in a circle that was not cut.
    _visit(sorted(by_name.keys() - visited), needs, visited, order)
    return [by_name[name] for name in order]


def match_spec_name(spec: str) -> str:
    """Return the name of the package that a dependency asks for, in lower case.

    >>> match_spec_name("Numpy >=1.19,<3")
    'numpy'
    """
    return _NAME_END.split(spec.lstrip(), maxsplit=1)[0].lower()


def _visit(roots: Sequence[str], needs: Mapping[str, Sequence[str]], visited: set[str], order: list[str]) -> None:
    pending = [(name, False) for name in roots]
    while pending:
        name, ready = pending.pop()
        if ready:
            order.append(name)
        elif name not in visited:
            visited.add(name)
            if name in needs:  # else it is a virtual package
                pending.append((name, True))
                pending.extend((need, False) for need in sorted(needs[name]))


def _cuts(needs: Mapping[str, Sequence[str]], of_an_architecture: set[str]) -> set[tuple[str, str]]:
    """Return the edges (package, need) to leave out so that circles end."""
    cut = set()
    for circle in _circles(needs):
        for position, name in enumerate(circle):
            following = circle[(position + 1) % len(circle)]
            if name in of_an_architecture and following not in of_an_architecture:
                cut.add((name, following))
                break
            if name not in of_an_architecture and following in of_an_architecture:
                # An edge of two-package circles alone; rattler leaves longer circles to the order of the visit.
                cut.add((following, name))
                break
        else:
            cut.add((circle[0], circle[-1]))
    return cut


def _circles(needs: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield every circle that a walk from each package in the order of their names meets, as the names along it."""
    visited: set[str] = set()
    for start in sorted(needs):
        if start in visited:
            continue
        visited.add(start)
        path = {start: None}  # a set that keeps its order
        walks = [iter(needs[start])]
        while walks:
            need = next(walks[-1], None)
            if need is None:
                walks.pop()
                path.popitem()
            elif need in path:
                names = list(path)
                yield names[names.index(need) :]
            elif need in needs and need not in visited:
                visited.add(need)
                path[need] = None
                walks.append(iter(needs[need]))
