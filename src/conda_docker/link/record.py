"""The record of an installed package, `conda-meta/<name>-<version>-<build>.json`, in the bytes of rattler (CEP 32).

Left out is what names the machine that linked: `extracted_package_dir`, `package_tarball_full_path` and `link`. What was
asked for belongs to an environment rather than to a package: `requested_specs` is empty, as for a dependency.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from json.encoder import encode_basestring as _quote  # type: ignore[attr-defined,unused-ignore]
from typing import TYPE_CHECKING, Any, NamedTuple

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
_ALWAYS = frozenset({"build", "build_number", "depends", "name", "subdir", "version"})


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


def package_fields(package: LockedPackage) -> dict[str, Any]:
    """The fields of a record that come from the channel's index, in order, without credentials.

    All that a record depends on beside the package's own bytes: part of a layer's key.
    """
    index = dict(package.record) | {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.build_number,
        "subdir": package.subdir,
        "depends": list(package.depends),
        "noarch": package.noarch,
        "sha256": package.sha256,
        "md5": package.md5,
        "size": package.size,
    }
    fields = {name: index[name] for name in _FIELDS if name in _ALWAYS or index.get(name) not in (None, [], {}, "")}
    return fields | {"fn": package.file_name, "url": package.public_url, "channel": package.channel}


def prefix_record(package: LockedPackage, paths: Iterable[InstalledPath]) -> bytes:
    """The record of `package` with these installed files, in the order they are given."""
    head = json.dumps(package_fields(package) | {"requested_specs": []}, indent=2, ensure_ascii=False)
    rows = list(paths)
    # By hand: the standard library's indenting encoder takes several times as long for packages of many files.
    files = ",\n".join([f"    {_quote(row.path)}" for row in rows])
    entries = ",\n".join([_entry(row) for row in rows])
    return (
        f"{head[:-2]},\n"
        f'  "files": {_list(files, "  ")},\n'
        '  "paths_data": {\n'
        '    "paths_version": 1,\n'
        f'    "paths": {_list(entries, "    ")}\n'
        "  }\n"
        "}"
    ).encode()


def _list(body: str, indent: str) -> str:
    return f"[\n{body}\n{indent}]" if body else "[]"


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
