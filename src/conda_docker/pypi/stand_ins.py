"""Stand-ins: small wheels in place of what conda packages bring, so that the resolver takes them for given.

A constraint `numpy==1.26.4` would not do: that version may not be on any index, or have no wheel there. A constraint
`numpy @ file:///.../numpy-1.26.4-py3-none-any.whl` fixes the version, needs no index, and has no dependencies: conda's
solver saw to them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from conda_docker.pypi.locked import Distribution


def write_stand_ins(distributions: Iterable[Distribution], folder: Path) -> list[str]:
    """Write a wheel for each of `distributions` to `folder`, and return the constraints that name them.

    A distribution whose version is none (PEP 440) is left out: pip would not see it either.
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
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution.name}\nVersion: {version}\n"
            )
            wheel.writestr(
                f"{info}/WHEEL",
                "Wheel-Version: 1.0\nGenerator: conda-docker\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        constraints.append(f"{distribution.name} @ {path.as_uri()}")
    return constraints
