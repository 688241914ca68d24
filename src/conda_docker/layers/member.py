"""Member: what a layer is made of, conda packages and wheels, in the one shape that layers need of both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conda_docker.environment.locked import LockedPackage
from conda_docker.pypi.locked import LockedWheel

if TYPE_CHECKING:
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.filter import FileFilter
    from conda_docker.link.prefix import Prefix
    from conda_docker.link.report import LinkReport
    from conda_docker.package.archive import Content, Package
    from python_docker.tar import TarEntry

Member = LockedPackage | LockedWheel


class Linked(Protocol):
    """The entries of a linked member with their contents, to be taken once; `report` is complete at the end."""

    report: LinkReport

    def __iter__(self) -> Iterator[tuple[TarEntry, Content]]: ...


@dataclass(frozen=True, slots=True)
class OpenedMember:
    """A member whose archive or folder was opened.

    `installed` gives the paths that it comes to, relative to the prefix; `link` its entries, without those that another
    member wins. `package` is that of a conda package, None for a wheel.
    """

    member: Member
    installed: Callable[[Prefix, FileFilter, Compiler | None], list[str]]
    link: Callable[[Prefix, FileFilter, Compiler | None, Collection[str]], Linked]
    package: Package | None = None


def open_member(member: Member, path: Path) -> OpenedMember:
    """Open the archive or folder at `path`. Raises `InvalidPackage` for what is not that of `member`."""
    if isinstance(member, LockedWheel):
        from conda_docker.pypi.archive import open_wheel
        from conda_docker.pypi.wheel import installed_wheel_paths, link_wheel

        wheel = open_wheel(path, member.file_name)
        return OpenedMember(
            member,
            lambda prefix, filter, compiler: installed_wheel_paths(
                wheel, member, prefix, filter=filter, compiler=compiler
            ),
            lambda prefix, filter, compiler, without: link_wheel(
                wheel, member, prefix, filter=filter, compiler=compiler, without=without
            ),
        )
    from conda_docker.layers.write import own_record
    from conda_docker.link.link import installed_paths, link_package
    from conda_docker.package.archive import open_package

    package = open_package(path)
    record = own_record(member, package)
    return OpenedMember(
        record,
        lambda prefix, filter, compiler: installed_paths(package, prefix, filter=filter, compiler=compiler),
        lambda prefix, filter, compiler, without: link_package(
            package, record, prefix, filter=filter, compiler=compiler, without=without
        ),
        package,
    )


def has_modules_to_compile(member: Member) -> bool:
    """Return whether installing `member` byte-compiles modules, and so needs the environment's Python."""
    return isinstance(member, LockedWheel) or member.noarch == "python"


def identity(member: Member) -> list[object]:
    """Return what tells the bytes that `member` comes to from those of any other, as JSON values."""
    if isinstance(member, LockedWheel):
        from conda_docker.pypi.wheel import direct_url

        location = direct_url(member).decode() if member.direct else None
        return ["wheel", member.sha256, member.requested, location]
    return [member.sha256, member.public_url, member.channel]
