"""The record of an installed package, `conda-meta/<name>-<version>-<build>.json` (CEP 32).

In the bytes of rattler, with what conda records beyond it.

What names the machine that linked is left out: `extracted_package_dir`, `package_tarball_full_path` and `link`. What
was asked for belongs to an environment, not to a package: `requested_specs` is empty, as for a dependency.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring as _quote  # type: ignore[attr-defined,unused-ignore]
from typing import TYPE_CHECKING, Any, NamedTuple

from conda_docker.package.metadata import PathEntry, PathType

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

_FIELDS = (
    "arch",
    "build",
    "build_number",
    "constrains",
    "depends",
    "extra_depends",
    "features",
    "flags",
    "indexed_timestamp",
    "legacy_bz2_md5",
    "legacy_bz2_size",
    "license",
    "license_family",
    "md5",
    "name",
    "noarch",
    "platform",
    "purls",
    "python_site_packages_path",
    "run_exports",
    "sha256",
    "size",
    "subdir",
    "timestamp",
    "track_features",
    "version",
)
_BATCH = 512  # rows that are turned into bytes at a time
_ALWAYS = frozenset({"build", "build_number", "depends", "name", "subdir", "version"})


class Observed(NamedTuple):
    """What is in the prefix of a file that was looked into; `size` in bytes, `link` the text of a symbolic link."""

    mode: int
    sha256: str | None = None
    size: int | None = None
    path_type: PathType | None = None
    link: str | None = None


class InstalledPath(NamedTuple):
    """A file of an installed package: `path` relative to the prefix, `size` in bytes as installed."""

    path: str
    path_type: str
    no_link: bool = False
    sha256: str | None = None
    sha256_in_prefix: str | None = None
    size: int | None = None
    file_mode: str | None = None
    placeholder: str | None = None


def installed_file(place: str, entry: PathEntry, observed: Observed | None) -> InstalledPath:
    """Return what is recorded of a file that the manifest lists; `observed` None: it was only copied.

    As rattler records it, but for `sha256_in_prefix`, which `conda doctor` holds files against: as conda, of every
    regular file and of no symbolic link (conda/core/path_actions.py, `LinkPathAction.verify`).
    """
    sha256, size, path_type, in_prefix = entry.sha256, entry.size, entry.type, entry.sha256
    if observed is not None:
        path_type = path_type or observed.path_type
        # What the manifest says is not put to the test unless a file is rewritten.
        if sha256 is None or entry.placeholder:
            in_prefix = observed.sha256
        if size is None or entry.placeholder:
            size = observed.size
    path_type = path_type or PathType.HARDLINK
    if path_type is not PathType.HARDLINK:
        in_prefix = None
    mode, placeholder = entry.file_mode, entry.placeholder
    return InstalledPath(place, path_type, entry.no_link, sha256, in_prefix, size, mode, placeholder)


def record_path(name: str, version: str, build: str) -> str:
    """Return where the record of a package goes, relative to the prefix.

    >>> record_path("Demo", "1.0", "h_0")
    'conda-meta/demo-1.0-h_0.json'
    """
    return f"conda-meta/{name.lower()}-{version}-{build}.json"


def package_fields(package: LockedPackage) -> dict[str, Any]:
    """Return the fields of a record that come from the channel's index, in order, without credentials.

    All that a record depends on, apart from the package's own bytes: part of a layer's key.
    """
    index = dict(package.record) | {
        "noarch": package.record.get("noarch", package.noarch) or None,
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.build_number,
        "subdir": package.subdir,
        "depends": list(package.depends),
        "sha256": package.sha256,
        "md5": package.md5,
        "size": package.size,
    }
    fields = {name: index[name] for name in _FIELDS if name in _ALWAYS or index.get(name) not in (None, [], {}, "")}
    return fields | {"fn": package.file_name, "url": package.public_url, "channel": package.channel}


def prefix_record(package: LockedPackage, rows: Iterable[InstalledPath]) -> list[bytes]:
    """Return the record of `package` with these installed files, in the order they are given; in pieces."""
    fields = package_fields(package) | {"requested_specs": []}
    if package.noarch is not None:
        fields["package_type"] = f"noarch_{package.noarch}"  # as conda does (conda/models/enums.py, PackageType)
    head = json.dumps(fields, indent=2, ensure_ascii=False)
    # By hand and piece by piece: the standard library's indenting encoder takes several times as long and the memory
    # of the whole for packages of many files.
    files: list[bytes] = []
    entries: list[bytes] = []
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, _BATCH)):
        files.append(",\n".join([f"    {_quote(row.path)}" for row in batch]).encode())
        entries.append(",\n".join([_entry(row) for row in batch]).encode())
    return [
        f'{head[:-2]},\n  "files": ['.encode(),
        *_list(files, b"\n  "),
        b'],\n  "paths_data": {\n    "paths_version": 1,\n    "paths": [',
        *_list(entries, b"\n    "),
        b"]\n  }\n}",
    ]


def _list(batches: list[bytes], end: bytes) -> Iterator[bytes]:
    for number, batch in enumerate(batches):
        yield b",\n" if number else b"\n"
        yield batch
    if batches:
        yield end


def _entry(row: InstalledPath) -> str:
    path, path_type, no_link, sha256, in_prefix, size, file_mode, placeholder = row
    text = f'      {{\n        "_path": {_quote(path)},\n        "path_type": "{path_type}"'
    if no_link:
        text += ',\n        "no_link": true'
    if sha256 is not None:
        text += f',\n        "sha256": "{sha256}"'
    if in_prefix is not None:
        text += f',\n        "sha256_in_prefix": "{in_prefix}"'
    if size is not None:
        text += f',\n        "size_in_bytes": {size}'
    if file_mode is not None:
        text += f',\n        "file_mode": "{file_mode}"'
    if placeholder is not None:
        text += f',\n        "prefix_placeholder": {_quote(placeholder)}'
    return text + "\n      }"
