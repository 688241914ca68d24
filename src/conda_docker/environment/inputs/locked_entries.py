"""What the formats of lock files have in common: entries for wheels, two packages of one name, missing hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from conda_docker.environment.inputs.location import locate
from conda_docker.environment.locked import LockedPackage
from conda_docker.environment.topological_order import match_spec_name, topological_order
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.pypi.locked import LockedWheel, normalize_name
from conda_docker.redaction import public_url

Entry = TypeVar("Entry", LockedPackage, LockedWheel)

_VERSION_CONTROL = ("git+", "hg+", "svn+", "bzr+")
_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def wheel_entry(
    name: str,
    version: str | None,
    location: str,
    *,
    sha256: str | None = None,
    requires: Sequence[str] = (),
    editable: bool = False,
    folder: Path,
    where: str,
) -> LockedWheel:
    """Return the wheel, or the archive of a source distribution, that an entry names.

    `location` is a URL, perhaps with `direct+` before it or `#sha256=...` behind it, or a path relative to `folder`.
    `where` names the entry in messages. Raises `UnsupportedInput` for a folder, a repository and an editable package,
    and `InvalidEnvironment` for what is no location, name or hash.
    """
    url, _, fragment = location.partition("#")
    url = url.removeprefix("direct+")
    if url.startswith(_VERSION_CONTROL):
        raise UnsupportedInput(
            f"{where}: {name} is built from a repository ({public_url(url)}); build a wheel of it, and lock that"
        )
    if editable or not re.split(r"[?]", url, maxsplit=1)[0].endswith(_ARCHIVES):
        kind = "an editable package" if editable else "a folder of sources"
        raise UnsupportedInput(
            f"{where}: {name} is {kind} ({public_url(url)}), which no image can hold; build a wheel of it and lock "
            "that, or choose an environment without it"
        )
    sha256 = sha256 or dict(parse_qsl(fragment)).get("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InvalidEnvironment(f"{where}: the sha256 of {name} is not 64 hexadecimal digits")
    found = locate(url, folder=folder, where=where)
    version = version or _version_of(unquote(re.split(r"[?]", found.url, maxsplit=1)[0].rpartition("/")[2]))
    if not version:
        raise InvalidEnvironment(f"{where}: the file name of {name} does not say its version: {found.public}")
    return LockedWheel(
        name=normalize_name(name),
        version=version,
        url=found.url,
        sha256=sha256.lower() if sha256 else None,
        requires=tuple(requires),
        source=found.source,
    )


def unique(entries: Iterable[Entry], what: str, file_name: str) -> tuple[Entry, ...]:
    """Return `entries` without repetitions. Raises `InvalidEnvironment` for two of one name that differ."""
    found: dict[str, Entry] = {}
    for entry in entries:
        other = found.setdefault(entry.name, entry)
        if other is not entry and other != entry:
            raise InvalidEnvironment(
                f"{file_name} names the {what} {entry.name} twice: {other.public_url} and {entry.public_url}"
            )
    return tuple(found.values())


def in_order(wheels: Sequence[LockedWheel]) -> tuple[LockedWheel, ...]:
    """Return `wheels` in topological order: what others need first."""
    by_name = {wheel.name: wheel for wheel in wheels}
    needs = [_Needs(wheel.name, [normalize_name(match_spec_name(text)) for text in wheel.requires]) for wheel in wheels]
    return tuple(by_name[need.name] for need in topological_order(needs))


@dataclass(frozen=True, slots=True)
class _Needs:
    """What the order of packages rests on."""

    name: str
    depends: Sequence[str]
    noarch: None = None


def missing_hashes(packages: Sequence[LockedPackage], wheels: Sequence[LockedWheel], file_name: str) -> tuple[str, ...]:
    """Return a warning where archives cannot be checked for want of a hash, else nothing."""
    names = [package.name for package in packages if not (package.sha256 or package.md5)]
    names += [wheel.name for wheel in wheels if not wheel.sha256]
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    count = f"{len(names)} package{'s' if len(names) > 1 else ''}"
    return (f"{file_name} has no hash of {count}, which cannot be checked: {shown}",)


def _version_of(file_name: str) -> str:
    """Return the version in the file name of a wheel (PEP 427) or a source distribution (PEP 625), "" where none is."""
    if file_name.endswith(".whl"):
        return file_name.split("-")[1] if file_name.count("-") >= 4 else ""
    stem = re.sub(r"\.(?:tar\.\w+|tgz|zip)$", "", file_name)
    return stem.rpartition("-")[2] if "-" in stem else ""
