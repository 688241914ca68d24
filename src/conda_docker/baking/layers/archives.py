"""The archives of packages that layers are made from: which are not on this machine yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conda_docker.environment.packages.wheels import LockedWheel

if TYPE_CHECKING:
    from conda_docker.baking.layers.making import Workshop
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.layers.member import Member

Archive = tuple[str, str | None]
"""A package by its stem and its SHA-256: others of its name may be for another platform."""


def archive_of(member: Member) -> Archive:
    """Return what tells a package's archive from others."""
    return member.stem, member.sha256


def distinct_members(works: Sequence[LayerWork]) -> dict[Archive, Member]:
    """Return the packages in some layers, each once."""
    return {archive_of(member): member for work in works for member in work.members}


def missing_archives(works: Sequence[LayerWork], shop: Workshop) -> dict[Archive, Member]:
    """Return the packages in some layers that would be downloaded to make them."""
    from conda_docker.package.fetch.find import find_packages
    from conda_docker.pypi.local_files import with_local_files

    members = distinct_members(works)
    extracted = shop.options.use_extracted or shop.options.offline
    records = [
        with_local_files([member], unpacked=shop.options.use_extracted)[0]
        if isinstance(member, LockedWheel)
        else member
        for member in members.values()
    ]
    places = find_packages(records, shop.stores.cache.root, extracted=extracted)
    return {key: member for (key, member), place in zip(members.items(), places, strict=True) if place is None}
