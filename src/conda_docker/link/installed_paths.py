"""installed_paths: what linking a package would bring, known from its manifest alone."""

from __future__ import annotations

from collections.abc import Mapping

from conda_docker.link.bytecode.modules import pyc_path
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.placement import move, place_files
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import Package


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
