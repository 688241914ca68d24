"""What the formats of lock files have in common: entries for pip, two packages of one name, missing hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from conda_docker.arguments.listing import first_of
from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.environment.locked import LockedPackage
from conda_docker.environment.packages.topological_order import match_spec_name, topological_order
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements, normalize_name
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text

Entry = TypeVar("Entry", bound="LockedPackage | LockedWheel | SourceEntry")

_VERSION_CONTROL = ("git+", "hg+", "svn+", "bzr+")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What pip would build before it installs it: a source distribution, a folder or a repository."""

    name: str
    requirement: str
    """As PEP 508 has it: NAME @ URL. May carry credentials."""

    @property
    def public_url(self) -> str:
        """The URL without credentials."""
        return public_text(self.requirement.partition(" @ ")[2])


def pip_entry(
    name: str,
    version: str | None,
    location: str,
    *,
    sha256: str | None = None,
    requires: Sequence[str] = (),
    direct: bool = False,
    folder: Path,
    where: str,
) -> LockedWheel | SourceEntry:
    """Return the wheel that an entry names, or the sources that it is to be built from.

    `location` is a URL, perhaps with `direct+` before it or `#sha256=...` behind it, or a path relative to `folder`.
    `direct` says that it was asked for by its URL, as `direct+` and a path do. `where` names the entry in messages.
    Raises `InvalidEnvironment` for what is not a location, name, version or hash.
    """
    name = normalize_name(name)
    if location.startswith(_VERSION_CONTROL):
        return SourceEntry(name, f"{name} @ {_repository(location)}")
    url, _, fragment = location.removeprefix("direct+").partition("#")
    sha256 = sha256 or dict(parse_qsl(fragment)).get("sha256")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise InvalidEnvironment(f"{where}: the sha256 of {name} is not 64 hexadecimal digits")
    found = locate(url, folder=folder, where=where)
    file_name = unquote(re.split(r"[?]", found.url, maxsplit=1)[0].rpartition("/")[2])
    if not file_name.endswith(".whl"):
        # What pixi writes next to a folder is the hash of its metadata.
        is_archive = found.source is None or not found.source.is_dir()
        return SourceEntry(name, f"{name} @ {found.url}" + f"#sha256={sha256}" * bool(sha256 and is_archive))
    # PEP 427: NAME-VERSION-...
    version = version or (file_name.split("-")[1] if file_name.count("-") >= 4 else "")
    if not version:
        raise InvalidEnvironment(f"{where}: the file name of {name} does not say its version: {found.public}")
    return LockedWheel(
        name=name,
        version=version,
        url=found.url,
        sha256=sha256.lower() if sha256 else None,
        requires=tuple(requires),
        source=found.source,
        direct=direct or location.startswith("direct+") or "://" not in location,
    )


def _repository(location: str) -> str:
    """Return a repository's URL as pip takes it; pixi writes `git+URL?subdirectory=FOLDER&rev=NAME#COMMIT`."""
    url, _, fragment = location.partition("#")
    url, _, query = url.partition("?")
    parameters = dict(parse_qsl(query))
    revision = parameters.get("rev") or parameters.get("tag") or parameters.get("branch")
    if re.fullmatch(r"[0-9a-f]{7,64}", fragment):
        revision, fragment = fragment, ""
    if revision and "@" not in url.rpartition("/")[2]:
        url = f"{url}@{revision}"
    if folder := parameters.get("subdirectory"):
        fragment = f"subdirectory={folder}"
    return f"{url}#{fragment}" if fragment else url


def pip_packages(
    entries: Iterable[tuple[LockedWheel | SourceEntry, str]], file_name: str, folder: Path
) -> tuple[tuple[LockedWheel, ...], PipRequirements | None]:
    """Return the wheels among `entries`, each with its place, and what asks pip for the sources, if there are any.

    What is built then must agree with the wheels. Raises `InvalidEnvironment` for two of one name.
    """
    found = unique(entries, "pip package")
    wheels = tuple(entry for entry in found if isinstance(entry, LockedWheel))
    sources = tuple(entry.requirement for entry in found if isinstance(entry, SourceEntry))
    if not sources:
        return wheels, None
    constraints = tuple(f"{wheel.name}=={wheel.version}" for wheel in wheels)
    return wheels, PipRequirements(requirements=sources, constraints=constraints, folder=folder, origin=file_name)


def unique(entries: Iterable[tuple[Entry, str]], what: str) -> tuple[Entry, ...]:
    """Return `entries`, each of which comes with its place, without repetitions.

    Raises `InvalidEnvironment` for two of one name that differ.
    """
    found: dict[str, tuple[Entry, str]] = {}
    for entry, where in entries:
        other, before = found.setdefault(entry.name, (entry, where))
        if other is not entry and other != entry:
            raise InvalidEnvironment(
                f"{where} names the {what} {entry.name} again: {entry.public_url}; {before} has {other.public_url}"
            )
    return tuple(entry for entry, _ in found.values())


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
    shown = first_of(names, 5)
    count = f"{len(names)} package{'s' if len(names) > 1 else ''}"
    return (f"{file_name} has no hash for {count}, which cannot be verified: {shown}",)
