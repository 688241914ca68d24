"""Where each file of a wheel goes, as PyPA `installer` says; nothing is read of a wheel here but its metadata.

`installer` installs a source (a wheel) to a destination (a place that takes files). The source here gives the names of
members instead of their contents, and the destination writes down where they should go.
"""

from __future__ import annotations

import configparser
import io
import keyword
import os
import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import RecordEntry
from installer.sources import WheelContentElement, WheelSource
from installer.utils import Scheme

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidPackage
from conda_docker.link.filter import FileFilter
from conda_docker.link.prefix import Prefix
from conda_docker.package.entry_points import EntryPoint
from conda_docker.pypi.wheel.archive import Member, Wheel, WheelReader
from python_docker.errors import InvalidPath
from python_docker.tar import contained_path

if TYPE_CHECKING:
    from typing import Literal

_SCRIPTS = ("console_scripts", "gui_scripts")
_TARGET = re.compile(r"\s*([\w.-]+)\s*:\s*([\w.-]+)\s*(?:\[.*\])?\s*")
"""What uv takes as `module:function`: with hyphens, too, though no such script runs. Nothing that it matches is more
than names and a minus where the script has it."""
_ENTRY_POINTS = "entry_points.txt"
_NOT_COPIED = frozenset({"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"})


class PlacedMember(NamedTuple):
    """A member of a wheel and its place, relative to the prefix; `script`: its first line may name the interpreter."""

    place: str
    member: Member
    executable: bool
    script: bool = False


@dataclass(frozen=True, slots=True)
class WheelPlacement:
    """Where a wheel's files go. All places are relative to the prefix.

    `members` are in the archive's order, without those that the filter leaves out (`trimmed`), `entry_points` by their
    places. `dist_info` is the folder of metadata, `site_packages` that of modules. `notes` name commands that cannot
    run.
    """

    members: tuple[PlacedMember, ...]
    entry_points: dict[str, EntryPoint]
    trimmed: tuple[Member, ...]
    dist_info: str
    site_packages: str
    notes: tuple[str, ...] = ()

    def places(self) -> Iterator[str]:
        """Yield the places of all files that come from the wheel or are made from its entry points."""
        yield from (placed.place for placed in self.members)
        yield from self.entry_points


def place_wheel(wheel: Wheel, reader: WheelReader, prefix: Prefix, *, filter: FileFilter) -> WheelPlacement:
    """Return where the files of `wheel` go in an environment at `prefix`.

    Where a script of the wheel's own has an entry point's name the entry point wins, as in pip. Raises `InvalidPackage`
    for a wheel that `installer` refuses, for files that leave the prefix or meet, and without a Python to install it
    for.
    """
    if prefix.site_packages is None:
        raise InvalidPackage(f"{wheel.what} needs a Python to be installed for; add python and pip to the environment")
    destination = _Destination(wheel, prefix, prefix.site_packages)
    source = _Source(wheel, reader)
    if source.data_dir in wheel.members:
        # `installer` would look for the end of such a path for ever.
        raise InvalidPackage(f"{wheel.what} has {source.data_dir[:200]!r} as a file: it must be a folder")
    try:
        install(source, destination, additional_metadata={})
        for point in _entry_points(source):
            destination.write_script(*point, "console")
    except (InstallerError, AssertionError, configparser.Error, ValueError) as error:
        if isinstance(error, InvalidPath):
            raise InvalidPackage(f"{wheel.what} would install files outside of the environment: {error}") from error
        reason = str(error) or "an entry point that cannot be read"
        raise InvalidPackage(f"{wheel.what} cannot be installed: {reason}") from error
    points = _with_versioned_pip(destination.entry_points, prefix)
    commands = {posixpath.basename(place) for place in points}
    kept: dict[str, PlacedMember] = {}
    trimmed = []
    for placed in destination.members:
        if placed.script and _command(placed.place) in commands:
            continue
        if placed.place in kept or placed.place in points:
            raise InvalidPackage(f"{wheel.what} has two files for {placed.place[:200]!r}")
        if filter.keeps(placed.place):
            kept[placed.place] = placed
        else:
            trimmed.append(placed.member)
    placement = WheelPlacement(
        members=tuple(kept.values()),
        entry_points={place: point for place, point in sorted(points.items()) if filter.keeps(place)},
        trimmed=tuple(trimmed),
        dist_info=f"{prefix.site_packages}/{wheel.dist_info}",
        site_packages=prefix.site_packages,
        notes=tuple(
            f"{wheel.what}: the command {point.command} cannot run: {point.module}:{point.function} cannot be imported"
            for place, point in sorted(points.items())
            if not _is_importable(point) and filter.keeps(place)
        ),
    )
    _check_nesting(set(placement.places()), wheel.what)
    return placement


def _entry_points(source: _Source) -> Iterator[EntryPoint]:
    """Yield the commands of a wheel. Raises `ValueError` and `configparser.Error`.

    Not left to `installer`, which refuses a wheel for a module's name with a hyphen.
    """
    if _ENTRY_POINTS not in source.metadata_files:
        return
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(source.read_dist_info(_ENTRY_POINTS))
    for section in filter(parser.has_section, _SCRIPTS):
        for command, target in parser.items(section):
            match = _TARGET.fullmatch(target)
            if match is None:
                raise ValueError(f"its entry point {command[:80]!r} is {target[:80]!r}, not module:function")
            yield EntryPoint(command, match[1], match[2])


def _is_importable(point: EntryPoint) -> bool:
    names = (*point.module.split("."), *point.function.split("."))
    return all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def _with_versioned_pip(points: dict[str, EntryPoint], prefix: Prefix) -> dict[str, EntryPoint]:
    """Return `points` with `pip3.12` for the environment's own version of Python, as pip and uv install pip."""
    pip = points.get("bin/pip3")
    if pip is None or pip.module.partition(".")[0] != "pip":
        return points
    command = f"pip{prefix.python_version}"
    others = {place: point for place, point in points.items() if not place.startswith("bin/pip3.")}
    return others | {f"bin/{command}": pip._replace(command=command)}


def _command(place: str) -> str:
    """Return the command that a script is for: a wheel that was made on Windows may hold launchers of its own."""
    name = posixpath.basename(place)
    for suffix in (".exe", "-script.py", ".pya"):
        name = name.removesuffix(suffix)
    return name


def _check_nesting(files: Collection[str], what: str) -> None:
    for file in files:
        folder = file
        while folder := folder.rpartition("/")[0]:
            if folder in files:
                raise InvalidPackage(f"{what} has {folder[:200]!r} both as a file and as a folder")


class _Name(io.BytesIO):
    """Stands for a member's content on its way through `installer`, which only passes it on."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self.member = member


class _Source(WheelSource):
    """A wheel's members by name. Its distribution and version are spelled as its folder of metadata spells them."""

    def __init__(self, wheel: Wheel, reader: WheelReader) -> None:
        distribution, _, version = wheel.dist_info.removesuffix(".dist-info").rpartition("-")
        super().__init__(distribution, version)
        self._wheel = wheel
        self._reader = reader

    @property
    def dist_info_filenames(self) -> list[str]:
        return [name for name in self.metadata_files if name != _ENTRY_POINTS]

    @property
    def metadata_files(self) -> list[str]:
        """The names of all files in the wheel's folder of metadata."""
        start = f"{self._wheel.dist_info}/"
        return [path.removeprefix(start) for path in self._wheel.members if path.startswith(start)]

    def read_dist_info(self, filename: str) -> str:
        return self._reader.metadata(filename)

    def get_contents(self) -> Iterator[WheelContentElement]:
        own = {f"{self._wheel.dist_info}/{name}" for name in _NOT_COPIED}
        for path, member in self._wheel.members.items():
            # Compiled modules that come in a wheel may be of any origin; pip's own advice is to leave them out.
            if path not in own and "__pycache__" not in path.split("/")[:-1]:
                yield (path, "", ""), cast("BinaryIO", _Name(member)), member.executable


class _Destination(WheelDestination):
    """Writes down where `installer` would put what."""

    def __init__(self, wheel: Wheel, prefix: Prefix, site_packages: str) -> None:
        self._wheel = wheel
        # A free-threaded Python has site-packages in lib/python3.13t, and its headers in include/python3.13t.
        python = site_packages.removeprefix("lib/").partition("/")[0]
        name = normalize_name(wheel.dist_info.removesuffix(".dist-info").rpartition("-")[0])
        self._folders = {
            "purelib": site_packages,
            "platlib": site_packages,
            "scripts": "bin",
            "headers": f"include/{python}/{name}",
            "data": "",
        }
        self.members: list[PlacedMember] = []
        self.entry_points: dict[str, EntryPoint] = {}

    def write_script(self, name: str, module: str, attr: str, section: Literal["console", "gui"]) -> RecordEntry:
        if "/" in name or not name.isprintable():
            raise InvalidPackage(f"{self._wheel.what} has an entry point that cannot be used: {name[:200]!r}")
        place = contained_path(f"bin/{name}")
        self.entry_points[place] = EntryPoint(name, module, attr)
        return RecordEntry(place, None, None)

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        assert isinstance(stream, _Name)
        place = contained_path(posixpath.join(self._folders[scheme], os.fspath(path)))
        script = scheme == "scripts"
        self.members.append(PlacedMember(place, stream.member, is_executable or script, script))
        return RecordEntry(place, None, None)

    def finalize_installation(self, scheme: Scheme, record_file_path: str, records: object) -> None:
        """RECORD is written when everything else has been, by `conda_docker.pypi.wheel.wheel`."""
