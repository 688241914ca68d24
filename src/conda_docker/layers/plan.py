"""LayerPlan: which packages share a layer, and in which order layers are stacked: a function of the environment."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.build_options import Layering
from conda_docker.environment.locked import LockedPackage
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.layers.member import Member

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import LockedWheel

Plan = list[list[Member]]


_NONE: Mapping[str, Sequence[str]] = {}


class LayerPlan(NamedTuple):
    """The packages of each layer, bottom first, and what decides between packages that bring the same path.

    The last package in `order` wins; that is the order of installation, in which wheels follow conda packages.
    `replaced` are the distributions of conda packages that wheels replace, by the packages' stems; the files of these
    are left out.
    """

    groups: Sequence[Sequence[Member]]
    order: Sequence[Member]
    replaced: Mapping[str, Sequence[str]] = _NONE


def plan_layers(
    packages: Sequence[LockedPackage],
    *,
    wheels: Sequence[LockedWheel] = (),
    limit: int,
    layering: Layering = Layering.LAYERED,
    requested: Collection[str] = (),
) -> Plan:
    """Return the layers of an environment, bottom first, each a list of packages in the order they are written.

    `packages` come in topological order, dependencies first, and keep it as far as it matters: what the user asked for
    (`requested`, package names) and nothing else needs goes on top, since it changes most often and engines reuse
    layers only from the bottom up. `wheels` go above them, in their own order. Each package has a layer to itself
    while there are no more than `limit`. Beyond that, small packages share some layers, chosen by their names, so that
    a change in one package changes no other layer. Projects of the user's own have a layer each beyond the limit, on
    top of all others.

    Raises `ValueError` when `limit` is below 1.
    """
    projects = [wheel for wheel in wheels if wheel.project]
    if projects:
        others = [wheel for wheel in wheels if not wheel.project]
        below = plan_layers(packages, wheels=others, limit=limit, layering=layering, requested=requested)
        for project in projects:
            below.append([project])
        return below
    if limit < 1:
        raise ValueError("there must be room for at least one layer")
    if not packages and not wheels:
        return []
    if layering is Layering.SINGLE or limit == 1:
        return [[*packages, *wheels]]
    ordered: list[Member] = [*_by_stability(packages, requested), *wheels]
    if len(ordered) <= limit:
        return [[package] for package in ordered]
    shared = max(1, limit // 8)
    own = {_name(member) for member in sorted(ordered, key=_weight)[len(ordered) - (limit - shared) :]}
    buckets: Plan = [[] for _ in range(shared)]
    for member in ordered:
        if _name(member) not in own:
            buckets[_bucket(_name(member), shared)].append(member)
    return [bucket for bucket in buckets if bucket] + [[member] for member in ordered if _name(member) in own]


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


def _name(member: Member) -> str:
    """Return the name that a member keeps in other versions; a wheel may have that of a conda package."""
    return member.name if isinstance(member, LockedPackage) else f"pypi/{member.name}"


def _weight(member: Member) -> tuple[int, str]:
    # Orders of magnitude: a new version of about the same size keeps its place among the others.
    return ((member.size or 0).bit_length(), _name(member))


def _bucket(name: str, buckets: int) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % buckets
