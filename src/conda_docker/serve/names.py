"""What the name of an image asks for: packages, an environment of the server, or a lock file that was posted.

Names of repositories have lower-case letters, digits and a few separators (distribution-spec, "Pulling manifests"),
so that match specs are written in a form of their own: `python-3.12/numpy/bioconda--samtools`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import pairwise

from conda_docker.redaction import public_url
from conda_docker.serve.errors import ManifestUnknown, NoSuchName

RULES = (
    "names are packages, each with a version after a dash if it matters, separated by slashes: python-3.12/numpy, or "
    "bioconda--samtools-1.21 for one of a certain channel; env/NAME is an environment of this server, lock/SHA256 a "
    "lock file that was posted. Tags are latest, or a day that is over, such as 2026-01-31, as of which packages are "
    "chosen"
)
LATEST = "latest"
ENVIRONMENT, LOCK = "env", "lock"

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
# What looks like a version after the last dash but one: 3.12, 1.1.1w, 2.0rc1, 1.0.post1.
_VERSION = r"[0-9]+(?:\.[0-9]+)*(?:[a-z]|(?:a|b|rc)[0-9]+)?(?:\.(?:post|dev)[0-9]+)?"
_PACKAGE = re.compile(rf"(?:(?P<channel>.+?)--)?(?P<name>[a-z0-9][a-z0-9._-]*?)(?:-(?P<version>{_VERSION}))?")
_SPEC = re.compile(
    r"(?:(?P<channel>[a-z0-9][a-z0-9._-]*)::)?(?P<name>[a-z0-9][a-z0-9._-]*)\s*"
    rf"(?:={{1,2}}\s*(?P<version>{_VERSION})(?:\.\*)?)?"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PORT = re.compile(r":\d*$")
_NOWHERE = "https://localhost/"
_LONGEST = 255  # characters of a name, as registries have it


@dataclass(frozen=True, slots=True)
class Package:
    """A package that a name asks for; the version is the beginning of one, as conda's `=3.12` is."""

    name: str
    version: str | None = None
    channel: str | None = None

    @property
    def spec(self) -> str:
        """The match spec.

        >>> Package("samtools", "1.21", "bioconda").spec
        'bioconda::samtools=1.21'
        """
        channel = f"{self.channel}::" if self.channel else ""
        return f"{channel}{self.name}" + (f"={self.version}" if self.version else "")

    @property
    def component(self) -> str:
        """The part of a name that asks for it.

        >>> Package("samtools", "1.21", "bioconda").component
        'bioconda--samtools-1.21'
        """
        channel = f"{self.channel}--" if self.channel else ""
        return f"{channel}{self.name}" + (f"-{self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a name and a tag ask for: `packages`, or an `environment` by its name, or a `lock` by its SHA-256.

    `day` is the last one whose packages may be chosen; None: whatever there is now. `channels` are those that whoever
    asks may use; names are looked up and remembered for these alone.
    """

    name: str
    tag: str = LATEST
    packages: tuple[Package, ...] = ()
    environment: str | None = None
    lock: str | None = None
    day: date | None = None
    channels: tuple[str, ...] = ()

    @property
    def until(self) -> datetime | None:
        """The end of the day, as the time after which nothing may have been published."""
        return None if self.day is None else datetime.combine(self.day, time.max, UTC)

    def for_channels(self, channels: Iterable[str]) -> Asked:
        """Return the same, asked by somebody who may use these channels."""
        return replace(self, channels=tuple(channels))


def parse_name(name: str, tag: str = LATEST, *, today: date | None = None) -> Asked:
    """Return what a repository's name and a tag ask for; packages in one order, whatever theirs is.

    Raises `NoSuchName`, which repeats the rules, and `ManifestUnknown` for a tag that there is not.

    >>> [package.spec for package in parse_name("numpy/python-3.12").packages]
    ['numpy', 'python=3.12']
    >>> parse_name("env/analysis", "2026-01-31").day
    datetime.date(2026, 1, 31)
    """
    day = parse_tag(tag, today)
    if len(name) > _LONGEST:
        raise NoSuchName(f"the name has more than {_LONGEST} characters: post a lock file instead")
    components = name.split("/")
    if not all(map(_COMPONENT.fullmatch, components)):
        raise NoSuchName(f"{name[:80]!r} is not a valid name: {RULES}")
    first, *rest = components
    if first == ENVIRONMENT:
        if len(rest) != 1:
            raise NoSuchName(f"{name!r}: an environment is named by env/NAME")
        return Asked(name, tag, environment=rest[0], day=day)
    if first == LOCK:
        if len(rest) != 1 or not _SHA256.fullmatch(rest[0]):
            raise NoSuchName(f"{name!r}: a lock file is named by lock/SHA256, with 64 hexadecimal digits")
        if day is not None:
            raise ManifestUnknown("the packages of a lock file do not depend on a day: its tag is latest")
        return Asked(name, tag, lock=rest[0])
    packages = tuple(sorted(map(_package, components), key=_order))
    twice = [package.name for package, after in pairwise(packages) if package.name == after.name]
    if twice:
        raise NoSuchName(f"{name!r} asks for {twice[0]} twice")
    return Asked(name_of(packages), tag, packages=packages, day=day)


def parse_tag(tag: str, today: date | None = None) -> date | None:
    """Return the day that a tag names, None for `latest`.

    Raises `ManifestUnknown` for another tag, and for a day that is not over (UTC): what is published until midnight
    would change what the tag means.
    """
    if tag == LATEST:
        return None
    try:
        day = date.fromisoformat(tag)
    except ValueError:
        day = None
    if day is None or day.isoformat() != tag:
        raise ManifestUnknown(f"there is no tag {tag[:80]!r}: {RULES}")
    if day >= (today or datetime.now(UTC).date()):
        raise ManifestUnknown(f"the day {tag} is not over (UTC), so its packages are not known yet; use the tag latest")
    return day


def name_of(packages: Iterable[Package]) -> str:
    """Return the name that asks for some packages.

    >>> name_of([Package("python", "3.12"), Package("numpy")])
    'numpy/python-3.12'
    """
    return "/".join(package.component for package in sorted(packages, key=_order))


def parse_spec(text: str) -> Package:
    """Return the package of a match spec that a name can hold. Raises `NoSuchName` for any other.

    >>> parse_spec("bioconda::samtools=1.21").component
    'bioconda--samtools-1.21'
    """
    match = _SPEC.fullmatch(text.strip().lower())
    if match is None:
        raise NoSuchName(
            f"{text[:80]!r} cannot be part of a name: write numpy, numpy=2.1 or conda-forge::numpy; post a lock file "
            "for anything else"
        )
    package = Package(match["name"], match["version"], match["channel"])
    if not _COMPONENT.fullmatch(package.component) or _package(package.component) != package:
        raise NoSuchName(f"{text[:80]!r} cannot be part of a name; post a lock file instead")
    return package


def channel_alias(channel: str) -> str:
    """Return what clients call a channel: the last part of its URL, or the host; nothing of its credentials.

    >>> channel_alias("https://conda.example.org/Team/")
    'team'
    >>> channel_alias("https://me:secret@conda.example.org:8443/t/tk-123")
    'conda.example.org'
    """
    text = channel.strip()
    if "://" not in text and not text.startswith(("/", ".", "~")):
        text = f"{_NOWHERE}{public_url(text)}"  # a token may stand in its path too
    url = public_url(text).removeprefix(_NOWHERE).rstrip("/")
    return _PORT.sub("", url.rpartition("/")[2]).lower()


def _order(package: Package) -> tuple[str, str, str]:
    return package.name, package.version or "", package.channel or ""


def _package(component: str) -> Package:
    match = _PACKAGE.fullmatch(component)
    if match is None or "--" in match["name"]:
        raise NoSuchName(f"{component[:80]!r} does not name a package: {RULES}")
    return Package(match["name"], match["version"], match["channel"])
