"""Record: what the files of an image say of a package in it, in `conda-meta` or in a wheel's `.dist-info`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conda_docker.environment.packages.package_url import channel_of_url
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.pypi.wheel.license import stated_license
from conda_docker.redaction import public_url
from conda_docker.report.contents import PackageIdentity
from conda_docker.sbom.files import is_list, listed_paths
from python_docker.spec.strict_json import parse_loose_json

_OTHERS = frozenset({"conda", "debian", "rpm"})
"""Installers whose packages are not pip's, though they bring a `.dist-info` (PEP 376, "INSTALLER")."""


@dataclass(frozen=True, slots=True)
class Record(PackageIdentity):
    """A package as its own files in an image describe it. `path` is that of the record, `paths` are the package's."""

    path: str
    paths: frozenset[str]

    @property
    def key(self) -> tuple[str, str]:
        """What the package is known by in its prefix."""
        return self.kind, self.name if self.kind == "conda" else normalize_name(self.name)


def is_record(path: str) -> bool:
    """Return whether the content of a file is one that `read_records` wants."""
    return is_list(path) or path.endswith((".dist-info/METADATA", ".dist-info/INSTALLER"))


def read_records(contents: Mapping[str, bytes]) -> Iterator[Record]:
    """Yield what the records of a layer say, given by their paths: conda's first. Damaged ones are passed over.

    A `.dist-info` that a conda package brings is not a package of its own.
    """
    owned: set[str] = set()
    for path, content in sorted(contents.items()):
        if "/conda-meta/" in path and (record := _conda_record(path, content)) is not None:
            owned |= record.paths
            yield record
    for path, content in sorted(contents.items()):
        if path.endswith("/METADATA") and path not in owned:
            folder = posixpath.dirname(path)
            installer = contents.get(f"{folder}/INSTALLER", b"").decode("utf-8", "replace").strip()
            if installer not in _OTHERS:
                yield _wheel_record(path, content, contents.get(f"{folder}/RECORD", b""))


def _conda_record(path: str, content: bytes) -> Record | None:
    try:
        stated = parse_loose_json(content)
        name, version = stated["name"], stated["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(name, str) and isinstance(version, str)):
        return None
    url = _text(stated, "url")
    channel = channel_of_url(url) if url else None
    return Record(
        "conda",
        name,
        version,
        _text(stated, "build"),
        channel or (public_url(stated_channel) if (stated_channel := _text(stated, "channel")) else None),
        _text(stated, "license"),
        f"/{posixpath.dirname(posixpath.dirname(path))}",
        path,
        frozenset(listed_paths(path, content)),
    )


def _text(stated: Mapping[str, Any], key: str) -> str | None:
    value = stated.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _wheel_record(path: str, content: bytes, listed: bytes) -> Record:
    folder = posixpath.dirname(path)
    text = content.decode("utf-8", "replace")
    head = text.partition("\n\n")[0]
    headers = dict(reversed([_header(line) for line in head.splitlines()]))
    name, _, version = posixpath.basename(folder).removesuffix(".dist-info").partition("-")
    site = posixpath.dirname(folder)
    return Record(
        "pypi",
        headers.get("name") or name,
        headers.get("version") or version,
        None,
        None,
        stated_license(f"{head}\n\n"),
        f"/{site.partition('/lib/python')[0]}",
        path,
        frozenset({path, *listed_paths(f"{folder}/RECORD", listed)}),
    )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
