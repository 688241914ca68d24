"""What packages say of their files in a prefix: who owns which, and how it was when it was installed."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_docker.arguments.listing import first_of
from conda_docker.errors import InvalidEnvironment
from python_docker.errors import InvalidPath, reason_of
from python_docker.files.regular import read_regular_file
from python_docker.spec.strict_json import parse_loose_json
from python_docker.tar import clamped_path, contained_path

_LARGEST_RECORD = 256 << 20  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class OwnedFile:
    """A file of a package: `hashes` that it may have as it was installed, in hexadecimal digits; none where unknown.

    `link` says that it was a symbolic link. The hash is then that of its text (rattler) or of what it leads to (conda).
    """

    owner: str
    hashes: frozenset[str] = frozenset()
    link: bool = False


def files_of_record(file: Path) -> Iterator[tuple[str, OwnedFile]]:
    """Yield the files that a record in `conda-meta` lists, by paths relative to the prefix.

    Raises `InvalidEnvironment` for a record that cannot be read, or lists what is outside of the prefix.
    """
    try:
        record = parse_loose_json(read_regular_file(file, _LARGEST_RECORD))
        owner = f"{record['name']}-{record['version']}-{record['build']}"
        listed = [str(path) for path in record.get("files") or ()]
        rows = (record.get("paths_data") or {}).get("paths") or ()
        known = {str(row["_path"]): row for row in rows}
        for path in dict.fromkeys([*listed, *known]):
            yield contained_path(path), _owned(owner, known.get(path, {}))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, InvalidPath) as error:
        raise InvalidEnvironment(f"{file} is damaged: {reason_of(error)}") from error


def _owned(owner: str, row: Mapping[str, Any]) -> OwnedFile:
    link = row.get("path_type") == "softlink"
    digests = [row.get("sha256_in_prefix")]
    # Without a hash of what was written, that of the package counts if nothing was replaced on the way.
    if link or not (digests[0] or row.get("prefix_placeholder")):
        digests.append(row.get("sha256"))
    known = frozenset(digest for digest in digests if isinstance(digest, str) and _SHA256.fullmatch(digest))
    return OwnedFile(owner, known, link)


def files_of_distribution(root: Path, metadata: str, owner: str) -> dict[str, OwnedFile]:
    """Return the files that the RECORD of a distribution lists, by paths relative to the prefix; none without a RECORD.

    `metadata` is its `.dist-info`, relative to the prefix `root`. Files that pip put outside of the prefix are left
    out, as are rows that cannot be read.
    """
    site_packages = posixpath.dirname(metadata)
    try:
        text = read_regular_file(root / metadata / "RECORD", _LARGEST_RECORD).decode()
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if len(row) == 3]
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    found = {}
    for path, digest, _ in rows:
        place = posixpath.normpath(posixpath.join(site_packages, path))
        if not place.startswith(("../", "/")) and place == clamped_path(place):
            found[place] = OwnedFile(owner, _hashes(digest))
    return found


def _hashes(digest: str) -> frozenset[str]:
    algorithm, _, value = digest.partition("=")
    if algorithm != "sha256":
        return frozenset()
    try:
        return frozenset({base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()})
    except (ValueError, binascii.Error):
        return frozenset()


def check_whole(root: Path, owned: Iterable[tuple[str, OwnedFile]], missing: frozenset[str]) -> None:
    """Raise `InvalidEnvironment` where nothing is left of a package that the prefix is said to have."""
    packages: dict[str, bool] = {}
    for path, file in owned:
        packages[file.owner] = packages.get(file.owner, False) or path not in missing
    gone = sorted(owner for owner, there in packages.items() if not there)
    if gone:
        shown = first_of(gone, 5)
        raise InvalidEnvironment(
            f"{root} is broken: none of the files of {shown} are there, though conda-meta lists the package as "
            "installed; install it again, or leave out the prefix's own state with --only-packages"
        )
