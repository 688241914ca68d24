"""What linking a package would bring, known from its manifest alone: paths, and digests of most files."""

from __future__ import annotations

from collections.abc import Mapping

from conda_docker.link.bytecode.modules import pyc_path
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.noarch import entry_point_scripts
from conda_docker.link.placement import move, place_files
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import Package
from conda_docker.package.metadata import PathType


def installed_paths(
    package: Package,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    tag: str | None = None,
    moved: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the paths of the files that linking `package` brings but its record, relative to the prefix and sorted.

    Those of `.pyc` files are among them with the `tag` that they are named by, though a module may turn out not to
    compile. Reads no payload. Raises `InvalidPackage`.
    """
    compiled = tag is not None and package.metadata.noarch == "python"
    placement = place_files(package, prefix, filter=filter, moved=moved, compiled=compiled)
    made = {
        f"bin/{point.command}": move(f"bin/{point.command}", moved or {}) for point in package.metadata.entry_points
    }
    if tag is not None:
        compiled_paths = (pyc_path(item.place, tag) for item in placement.special.values() if item.source)
        made |= {place: place for place in compiled_paths}
    return sorted({*placement.places(), *(real for place, real in made.items() if filter.keeps(place))})


def installed_digests(package: Package, prefix: Prefix, moved: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of files that linking `package` brings, by path, relative to the prefix.

    Only of those that its manifest states as they are installed, and of scripts of entry points; not of links, nor of
    files in which a placeholder is replaced. Reads no payload. Raises `InvalidPackage`.
    """
    moved = moved or {}
    stated = {
        place: entry.sha256
        for place, entry in place_files(package, prefix, filter=KEEP_ALL).recorded
        if entry.sha256 is not None and entry.placeholder is None and entry.type is PathType.HARDLINK
    }
    scripts = entry_point_scripts(package.metadata.entry_points, prefix, KEEP_ALL.keeps)
    stated |= {row.path: row.sha256 for row, _ in scripts if row.sha256 is not None}
    return {move(place, moved): digest for place, digest in stated.items()}
