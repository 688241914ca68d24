"""The packages that some specs need, out of more."""

from __future__ import annotations

from collections.abc import Iterable

from conda_docker.environment.locked import LockedPackage
from conda_docker.environment.packages.topological_order import match_spec_name


def needed_by(packages: Iterable[LockedPackage], specs: Iterable[str]) -> tuple[LockedPackage, ...]:
    """Return those of `packages`, in their order, that match specs name, and all that these depend on.

    >>> needed_by([], ["conda-forge::python >=3.12"])
    ()
    """
    packages = tuple(packages)
    by_name = {package.name: package for package in packages}
    by_url = {package.public_url: package.name for package in packages}
    pending = [by_url.get(spec) or match_spec_name(spec.rpartition("::")[2]) for spec in specs]
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            pending += [match_spec_name(spec) for spec in by_name[name].depends]
    return tuple(package for package in packages if package.name in needed)
