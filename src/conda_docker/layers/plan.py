"""Which packages share a layer, and in which order the layers lie: a pure function of the environment."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from conda_docker.build_options import Layering
from conda_docker.environment.topological_order import match_spec_name

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

Plan = list[list["LockedPackage"]]


def plan_layers(
    packages: Sequence[LockedPackage],
    *,
    limit: int,
    layering: Layering = Layering.LAYERED,
    requested: Collection[str] = (),
) -> Plan:
    """The layers of an environment, bottom first, each a list of packages in the order they are written.

    `packages` come in topological order, dependencies first, and keep it as far as it matters: what the user asked for
    (`requested`, package names) and nothing else needs goes on top, since it changes most often and engines reuse
    layers only from the bottom up. Each package has a layer to itself while there are no more than `limit`. Beyond
    that, small packages share some layers, chosen by their names, so that a change in one package changes no other
    layer.

    Raises `ValueError` when `limit` is below 1.
    """
    if limit < 1:
        raise ValueError("there must be room for at least one layer")
    if not packages:
        return []
    if layering is Layering.SINGLE or limit == 1:
        return [list(packages)]
    ordered = _by_stability(packages, requested)
    if len(ordered) <= limit:
        return [[package] for package in ordered]
    shared = max(1, limit // 8)
    own = {package.name for package in sorted(ordered, key=_weight)[len(ordered) - (limit - shared) :]}
    buckets: list[list[LockedPackage]] = [[] for _ in range(shared)]
    for package in ordered:
        if package.name not in own:
            buckets[_bucket(package.name, shared)].append(package)
    return [bucket for bucket in buckets if bucket] + [[package] for package in ordered if package.name in own]


def _by_stability(packages: Sequence[LockedPackage], requested: Collection[str]) -> list[LockedPackage]:
    """Move to the end what was asked for and is needed only by what was asked for too; order is kept otherwise."""
    wanted = set(requested)
    late: set[str] = set()
    needed_by: dict[str, set[str]] = {package.name: set() for package in packages}
    for package in packages:
        for spec in package.depends:
            name = match_spec_name(spec)
            if name in needed_by:
                needed_by[name].add(package.name)
    # From the top down: who needs a package has been decided before the package itself, but for cycles.
    for package in reversed(packages):
        if package.name in wanted and needed_by[package.name] <= late:
            late.add(package.name)
    return [package for package in packages if package.name not in late] + [
        package for package in packages if package.name in late
    ]


def _weight(package: LockedPackage) -> tuple[int, str]:
    # Orders of magnitude: a new version of about the same size keeps its place among the others.
    return ((package.size or 0).bit_length(), package.name)


def _bucket(name: str, buckets: int) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % buckets
