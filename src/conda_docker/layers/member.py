"""What a layer is made of: conda packages and wheels, which plan, recipe and writing treat alike.

Only this module and `making.opened` distinguish them. Another kind of package is a type in `Member` and a case in each
of their functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from conda_docker.environment.locked import LockedPackage
from conda_docker.layers.linked_folders import Moves

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import LockedWheel

Member: TypeAlias = "LockedPackage | LockedWheel"
"""A package with `stem`, `name`, `version`, `size` (bytes), `sha256` and `public_url`; stems are unique."""


_NO_MOVES: Moves = {}


class Loss(NamedTuple):
    """What of a package gives way to others: paths `without` which it is linked, and folders that are `moved`.

    All are relative to the prefix.
    """

    without: frozenset[str] = frozenset()
    moved: Moves = _NO_MOVES

    def __bool__(self) -> bool:
        return bool(self.without or self.moved)


NO_LOSS = Loss()

Losses = Mapping[str, Loss]
"""What each package loses to others, by the package's stem."""


def has_modules_to_compile(member: Member) -> bool:
    """Return whether installing a package byte-compiles modules, and so depends on the environment's Python."""
    return not isinstance(member, LockedPackage) or member.noarch == "python"


def named(members: Sequence[Member]) -> str:
    """Return what a layer of some packages is called in progress and messages."""
    more = f" and {len(members) - 1} more" if len(members) > 1 else ""
    return f"{members[0].name}{more}"


def identity(member: Member) -> list[str | bool | None]:
    """Return what a package's part of a layer depends on, apart from the recipe: what is verified, and its origin."""
    if not isinstance(member, LockedPackage):
        # As below: a wheel under the name of another is found out when its layer is made.
        called = [member.name, member.version, member.file_name]
        return ["wheel", member.sha256, member.requested, _location(member) if member.direct else None, *called]
    # The record in conda-meta repeats the MD5, which is not verified where there is a SHA-256.
    found: list[str | bool | None] = [member.sha256, member.md5, member.public_url, member.channel]
    if not member.public_url.endswith(f"/{member.subdir}/{member.file_name}"):
        # The record repeats these, too; as a rule the URL says them.
        found += [member.subdir, member.file_name]
    if member.file_name not in (f"{member.stem}.conda", f"{member.stem}.tar.bz2"):
        # A package that is not what it is said to be is found out when its layer is made, not when one is looked up.
        found.append(member.stem)
    return found


def _location(wheel: LockedWheel) -> str:
    from conda_docker.pypi.wheel.wheel import direct_url

    return direct_url(wheel).decode()
