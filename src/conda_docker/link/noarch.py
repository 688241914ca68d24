"""What makes a `noarch: python` package fit a Python: mapped paths (CEP 20) and entry points, in rattler's bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from conda_docker.errors import InvalidPackage
from conda_docker.link.prefix import Prefix
from conda_docker.link.record import InstalledPath
from conda_docker.link.shebang import python_shebang
from conda_docker.package.entry_points import EntryPoint
from conda_docker.package.metadata import PackageMetadata


def installed_path(path: str, site_packages: str) -> str:
    """Return where a file of a `noarch: python` package goes, relative to the prefix.

    >>> installed_path("site-packages/flask/app.py", "lib/python3.12/site-packages")
    'lib/python3.12/site-packages/flask/app.py'
    >>> installed_path("python-scripts/flask", "lib/python3.12/site-packages")
    'bin/flask'
    """
    if path.startswith("site-packages/"):
        return site_packages + path[13:]
    if path.startswith("python-scripts/"):
        return "bin" + path[14:]
    return path


def site_packages_of(metadata: PackageMetadata, prefix: Prefix) -> str | None:
    """Return the folder for modules of a `noarch: python` package, None for any other package.

    Raises `InvalidPackage` when the environment has no Python to link it for.
    """
    if metadata.noarch != "python":
        return None
    if prefix.python_version is None or prefix.site_packages is None:
        raise InvalidPackage(
            f"{metadata.stem} is a noarch: python package and the environment has no package named python to link it to"
        )
    return prefix.site_packages


def entry_point_scripts(
    points: Iterable[EntryPoint], prefix: Prefix, keeps: Callable[[str], bool]
) -> Iterator[tuple[InstalledPath, bytes]]:
    """Yield the script of each entry point whose place is kept, in their order, with its row in the record."""
    by_place = {f"bin/{point.command}": point for point in points}
    for place, point in sorted(by_place.items()):
        if keeps(place):
            script = entry_point_script(point, prefix)
            digest = hashlib.sha256(script).hexdigest()
            yield InstalledPath(place, "unix_python_entry_point", sha256=digest, size=len(script)), script


def entry_point_script(point: EntryPoint, prefix: Prefix) -> bytes:
    """Return the script of an entry point, as rattler writes it: indented by a tab.

    >>> entry_point_script(EntryPoint("flask", "flask.cli", "main"), Prefix("/opt/conda", "3.12")).splitlines()[0]
    b'#!/opt/conda/bin/python3.12'
    """
    python = f"{prefix.path}/bin/python{prefix.python_version}"
    shebang = python_shebang(python)
    imported = point.function.partition(".")[0]
    return (
        f"{shebang}\n"
        "# -*- coding: utf-8 -*-\n"
        "import re\n"
        "import sys\n"
        "\n"
        f"from {point.module} import {imported}\n"
        "\n"
        "if __name__ == '__main__':\n"
        "\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        f"\tsys.exit({point.function}())\n"
    ).encode()
