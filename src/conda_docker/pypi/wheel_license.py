"""The licence that a wheel states in its METADATA (core metadata 2.4: License-Expression, License, classifiers)."""

from __future__ import annotations

from collections.abc import Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.wheels import LockedWheel

_LONGEST = 200
"""Characters of a licence's name: some packages put its whole text in that field."""


def wheel_licenses(
    wheels: Sequence[LockedWheel], cache_dir: Path, *, offline: bool = False
) -> list[tuple[LockedWheel, str | None]]:
    """Return what each wheel states, which is downloaded unless it is on this machine.

    Raises `DownloadError` for a wheel that cannot be had, `InvalidPackage` for one that is damaged.
    """
    if not wheels:
        return []
    from conda_docker.package.fetch.fetch import fetch_packages
    from conda_docker.pypi.local_files import with_local_files
    from conda_docker.pypi.wheel.archive import open_wheel

    found = {}
    for wheel, path in fetch_packages(with_local_files(wheels, unpacked=False), cache_dir, offline=offline):
        with open_wheel(path, wheel.file_name).reading() as reader:
            found[wheel.url] = stated_license(reader.metadata("METADATA"))
    return [(wheel, found[wheel.url]) for wheel in wheels]


def stated_license(metadata: str) -> str | None:
    """Return the licence that a METADATA file states, None where it states none.

    >>> stated_license("License: MIT\\nLicense-Expression: Apache-2.0\\n")
    'Apache-2.0'
    >>> stated_license("Classifier: License :: OSI Approved :: MIT License\\n")
    'MIT License'
    """
    headers = HeaderParser().parsestr(metadata)
    expression = str(headers.get("License-Expression", "")).strip()
    stated = str(headers.get("License", "")).strip()
    if expression:
        return expression
    if stated and stated.upper() != "UNKNOWN" and "\n" not in stated and len(stated) <= _LONGEST:
        return stated
    names = [
        str(line).rpartition(" :: ")[2] for line in headers.get_all("Classifier", []) if "License :: " in str(line)
    ]
    names = [name for name in names if name != "OSI Approved"]
    return " AND ".join(names) if names else None
