"""Where each file of a package goes, and which files need more than being copied: known before any is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from conda_docker.errors import InvalidPackage
from conda_docker.link.filter import FileFilter
from conda_docker.link.noarch import installed_path, site_packages_of
from conda_docker.link.prefix import Prefix
from conda_docker.link.record import record_path
from conda_docker.package.archive import Package
from conda_docker.package.extracted import path_order
from conda_docker.package.metadata import PathEntry, PathType
from python_docker.spec.limits import MAX_NAME
from python_docker.tar import WHITEOUT

_VARIABLES = "etc/conda/env_vars.d/"
_ACTIVATION = "etc/conda/activate.d/"
_LINK_SCRIPTS = ("pre-link", "post-link", "pre-unlink", "post-unlink")


class Special(NamedTuple):
    """A file that is not just copied, or of which the manifest does not say enough to record it.

    `place` is relative to the prefix. `source`: it is a module to compile; `variables`: the variables in it are wanted.
    """

    place: str
    entry: PathEntry
    source: bool = False
    variables: bool = False

    @property
    def rewriting(self) -> tuple[object, ...]:
        """What must be the same for two names of one file to be still one file when they are linked."""
        entry = self.entry
        return (entry.placeholder, entry.file_mode) if entry.placeholder else ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the files of a package go, by their paths in the package; places are relative to the prefix.

    `plain` files are copied as they are. The filter leaves out `trimmed`. `recorded` are the places that the record is
    to list, with what the manifest says of them, sorted: those that another package wins are among them.
    """

    plain: dict[str, str]
    special: dict[str, Special]
    trimmed: frozenset[str]
    recorded: tuple[tuple[str, PathEntry], ...]

    def places(self) -> Iterable[str]:
        """Yield the places of all files that go into the layer."""
        yield from self.plain.values()
        yield from (special.place for special in self.special.values())


def place_files(
    package: Package,
    prefix: Prefix,
    *,
    filter: FileFilter,
    without: Collection[str] = (),
    moved: Mapping[str, str] | None = None,
    compiled: bool = False,
) -> Placement:
    """Return where the files of `package` go.

    `without` are places that another package wins. `moved` maps folders that are links in another package to where
    these lead: files go there, and are recorded as the manifest has them. `compiled` tells whether modules of a
    `noarch: python` package are compiled. Of two paths that come to one place the later in the manifest wins, and an
    entry point wins over both.
    Raises `InvalidPackage`.
    """
    metadata = package.metadata
    site_packages = site_packages_of(metadata, prefix)
    keeps = filter.keeps
    plain: dict[str, str] = {}
    special: dict[str, Special] = {}
    trimmed: set[str] = set()
    recorded: dict[str, PathEntry] = {}
    made = {f"bin/{point.command}" for point in metadata.entry_points} | {
        record_path(metadata.name, metadata.version, metadata.build)
    }
    for entry in metadata.paths:
        path = place = entry.path
        if site_packages is not None:
            place = installed_path(path, site_packages)
        if place in made:
            continue
        if not keeps(place):
            trimmed.add(path)
            continue
        if WHITEOUT in place or len(place) > MAX_NAME or not place.isascii():
            _check_name(place, package.what)
        earlier = recorded.get(place)
        if earlier is not None:
            plain.pop(earlier.path, None)
            special.pop(earlier.path, None)
        recorded[place] = entry
        variables = place.startswith(_VARIABLES)
        if moved:
            place = move(place, moved)
        if place in without:
            continue
        source = compiled and path.startswith("site-packages/") and path.endswith(".py")
        if (
            entry.placeholder
            or source
            or variables
            or entry.sha256 is None
            or entry.size is None
            or entry.type is not PathType.HARDLINK
        ):
            special[path] = Special(place, entry, source, variables)
        else:
            plain[path] = place
    in_order = sorted(recorded.items(), key=lambda item: path_order(item[0]))
    placement = Placement(plain, special, frozenset(trimmed), tuple(in_order))
    _check_nesting(placement, made, package.what)
    return placement


def move(place: str, moved: Mapping[str, str]) -> str:
    """Return where a place is really, with folders that are `moved`.

    >>> move("x/lib/a.so", {"x/lib": "x/lib64"})
    'x/lib64/a.so'
    """
    folder, slash, name = place.rpartition("/")
    return f"{moved[folder]}{slash}{name}".lstrip("/") if folder in moved else place


def _check_name(place: str, what: str) -> None:
    """Refuse a path that no layer can hold."""
    for name in place.split("/"):
        if name.startswith(WHITEOUT):
            raise InvalidPackage(
                f"{what} has the file {place[:200]!r}, which no image can hold: in a layer, names that begin with "
                f"{WHITEOUT} delete other files; --exclude leaves it out"
            )
        if len(name.encode()) > MAX_NAME:
            raise InvalidPackage(
                f"{what} has a file with a name of {len(name.encode())} bytes, {name[:60]!r}...; file systems take "
                f"{MAX_NAME} at most"
            )


def _check_nesting(placement: Placement, made: set[str], what: str) -> None:
    """Refuse a package in which a file is below another file."""
    files = made.union(placement.places())
    folders = {place.rpartition("/")[0] for place in files}
    files.difference_update(
        special.place for special in placement.special.values() if special.entry.type is PathType.DIRECTORY
    )
    while folders:
        wrong = min(folders & files, default=None)
        if wrong is not None:
            raise InvalidPackage(f"{what} has {wrong[:200]!r} both as a file and as a folder")
        folders = {folder.rpartition("/")[0] for folder in folders} - folders


def link_scripts(places: Iterable[str], name: str) -> tuple[str, ...]:
    """Return those places that are scripts of package `name` which clients run on linking and unlinking."""
    return tuple(sorted({f"bin/.{name}-{kind}.sh" for kind in _LINK_SCRIPTS}.intersection(places)))


def is_program(place: str) -> bool:
    """Return whether a path, relative to the prefix, is a command's."""
    return place.startswith(("bin/", "sbin/")) and not place.startswith("bin/.")


def activation_scripts(places: Iterable[str]) -> tuple[str, ...]:
    """Return those places that are scripts which activation sources in a POSIX shell."""
    return tuple(
        sorted(
            place
            for place in places
            if place.startswith(_ACTIVATION) and place.endswith(".sh") and "/" not in place[len(_ACTIVATION) :]
        )
    )
