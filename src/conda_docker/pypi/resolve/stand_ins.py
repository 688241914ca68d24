"""Stand-ins: small wheels in place of what conda packages bring, so that the resolver takes them for given.

A constraint `numpy==1.26.4` would not do: that version may not be on any index, or have no wheel there. A constraint
`numpy @ file:///.../numpy-1.26.4-py3-none-any.whl` fixes the version, needs no index, and has no dependencies: conda's
solver saw to them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.version import InvalidVersion, Version

from conda_docker.environment.packages.wheels import Distribution


def write_stand_ins(
    distributions: Iterable[Distribution], folder: Path, extras: Mapping[str, Iterable[str]] | None = None
) -> list[str]:
    """Write a wheel for each of `distributions` to `folder`, and return the constraints that name them.

    `extras` holds, by name, lines of metadata about extras: what these need is not conda's to bring. A distribution
    whose version does not follow PEP 440 is left out: pip would not see it either.
    """
    constraints = []
    for distribution in distributions:
        try:
            version = str(Version(distribution.version))
        except InvalidVersion:
            continue
        escaped = distribution.name.replace("-", "_")
        path = folder / f"{escaped}-{version}-py3-none-any.whl"
        info = f"{escaped}-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            lines = ["Metadata-Version: 2.1", f"Name: {distribution.name}", f"Version: {version}"]
            lines += (extras or {}).get(distribution.name, ())
            wheel.writestr(f"{info}/METADATA", "\n".join([*lines, ""]))
            wheel.writestr(
                f"{info}/WHEEL",
                "Wheel-Version: 1.0\nGenerator: conda-docker\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        constraints.append(f"{distribution.name} @ {path.as_uri()}")
    return constraints
