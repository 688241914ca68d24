"""Locations: `docker-archive:PATH[:REF]`, `oci:DIR[:TAG]`, `docker://REF`, ... as users of skopeo know them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from python_docker.argument_types import check_optional, check_type
from python_docker.errors import InvalidReference
from python_docker.spec.docker_hub import DOCKER_HUB, URL_VARIABLE
from python_docker.spec.reference import ImageReference
from python_docker.transports.table import FORMS, MEDIA, Medium, Syntax, medium_at

_ARCHIVE_SUFFIX = re.compile(r"\.tar(\.(gz|bz2|xz|zstd?))?$|\.t[gbx]z2?$|\.tzst$", re.IGNORECASE)
# What cannot be the beginning of a name in a registry.
_LOOKS_LIKE_PATH = re.compile(r"[./\\~]|[A-Za-z]:[\\/]")

_TAGGED = re.compile(r":(v?[0-9][^:]*|latest)$")


@dataclass(frozen=True, slots=True)
class Location:
    """A place that images are read from or written to.

    `path` is the file or folder of an archive or layout, and `name` what comes after it: a reference, a tag, or
    `@` and the number of an image. For `docker` and `docker-daemon`, `path` is empty and `name` the reference.

    >>> Location.parse("oci:build/app:v1")
    Location(transport='oci', path='build/app', name='v1')
    >>> Location.parse("docker://ubuntu:24.04").reference().familiar
    'ubuntu:24.04'
    """

    transport: str
    path: str
    name: str | None = None

    def __post_init__(self) -> None:
        if self.transport not in tuple(MEDIA):
            raise ValueError(f"transport must be one of {', '.join(MEDIA)}, not {repr(self.transport)[:80]}")
        check_type("path", self.path, str)
        check_optional("name", self.name, str)

    @property
    def medium(self) -> Medium:
        """The row of the table of media that says what can be done there."""
        return MEDIA[self.transport]

    @classmethod
    def parse(cls, text: str, *, default_transport: str | None = None, default_domain: str | None = None) -> Location:
        """Read a location. Without the name of a medium, what ends in `.tar` is an archive, and a folder with an image
        is what it is.

        `default_transport="docker"` is for reading: a file that is there is looked at too, and anything else names an
        image in a registry. A name there without a host is in that of `default_domain`; None: of the variable
        `CONDA_DOCKER_REGISTRY_URL`, else in Docker Hub.

        Raises `InvalidReference`, also for a file that is not an image.
        """
        check_type("text", text, str, "such as 'oci:FOLDER:TAG' or 'docker://REFERENCE'")
        name, colon, rest = text.partition(":")
        medium = MEDIA.get(name) if colon else None
        if medium is not None and (found := _parse(medium, rest, text, default_domain)) is not None:
            return found
        if _ARCHIVE_SUFFIX.search(text) and "://" not in text:
            return cls("docker-archive", text)
        if (at := _look(Path(text), reading=default_transport is not None)) is not None:
            return cls(at.name, text)
        if default_transport == "docker" and "://" not in text:
            is_file = os.path.isfile(text)  # noqa: PTH113 (a Path raises for what is too long)
            if is_file or (os.path.isdir(text) and _LOOKS_LIKE_PATH.match(text)):  # noqa: PTH112
                kind = "file" if is_file else "folder"
                raise InvalidReference(
                    f"{text[:300]!r} is a {kind}, but not an image: expected a tar archive, an OCI layout or "
                    "a folder of skopeo's; an image of that name in a registry is docker://NAME"
                )
            if _LOOKS_LIKE_PATH.match(text):
                raise InvalidReference(f"there is no file or folder {text[:300]!r}")
            return cls.in_registry(text, default_domain)
        raise InvalidReference(
            f"{text[:300]!r} is not a place for images{_in_registry(text)}; give one of {FORMS}, or a path that ends "
            "in .tar"
        )

    @classmethod
    def in_registry(cls, name: str | ImageReference, default_domain: str | None = None) -> Location:
        """Return the place of an image in a registry; see `parse` for names without a host.

        >>> str(Location.in_registry("app:1", "ghcr.io"))
        'docker://ghcr.io/app:1'
        """
        reference = ImageReference.parse(name) if isinstance(name, str) else name
        if reference.is_short and (domain := default_domain or _default_domain()) != DOCKER_HUB:
            reference = replace(reference, domain=domain, path=reference.path.removeprefix("library/"), is_short=False)
        return cls("docker", "", str(reference))

    def reference(self) -> ImageReference | None:
        """Return the name as an image reference, if it has the form of one."""
        if not self.name or self.name.startswith("@"):
            return None
        try:
            return ImageReference.parse(self.name)
        except InvalidReference:
            return None

    def __str__(self) -> str:
        if self.medium.syntax is Syntax.URL:
            return f"{self.transport}://{self.name}"
        return ":".join(part for part in (self.transport, self.path, self.name) if part)


def _parse(medium: Medium, rest: str, text: str, default_domain: str | None) -> Location | None:
    """Read what follows a medium's name and colon; None when it has another form, so that `docker:24` is an image."""
    if medium.syntax is Syntax.URL:
        return Location.in_registry(rest[2:], default_domain) if rest.startswith("//") else None
    if medium.syntax is Syntax.NAME:
        return Location(medium.name, "", rest or None)
    path, name = (rest, None) if medium.syntax is Syntax.PATH else _split_path(rest)
    if not path:
        raise InvalidReference(f"{text!r} names no file or folder; expected {medium.form}")
    if path == "-":
        raise InvalidReference(
            f"{text!r}: images are not read from standard input; the path of an archive that is written to standard "
            "output is /dev/stdout"
        )
    return Location(medium.name, path, name)


def _default_domain() -> str:
    """Return the registry of names without a host, as the environment says."""
    if not os.environ.get(URL_VARIABLE):
        return DOCKER_HUB
    from python_docker.registry.access.options import default_domain

    return default_domain(os.environ)


def _in_registry(text: str) -> str:
    """Return a hint at how a repository is written, where that may be meant."""
    name = re.sub("^(docker|https?):", "", text).lstrip("/")
    try:
        meant = ("/" in name or bool(_TAGGED.search(name))) and bool(ImageReference.parse(name))
    except InvalidReference:
        meant = False
    return f" (in a registry: docker://{name[:300]})" if meant else ""


def _look(path: Path, *, reading: bool) -> Medium | None:
    """Return the medium that a path is. A file that is not called `.tar` is only read, never overwritten."""
    try:
        return medium_at(path) if reading or path.is_dir() else None
    except (OSError, ValueError):
        # Too long for a path, or with a NUL in it.
        return None


def _split_path(rest: str) -> tuple[str, str | None]:
    """Cut `PATH[:NAME]`: at the first colon, but not that of a Windows drive (`C:\\images\\x.tar`)."""
    start = 2 if re.match(r"[A-Za-z]:[\\/]", rest) else 0
    colon = rest.find(":", start)
    if colon < 0:
        return rest, None
    return rest[:colon], rest[colon + 1 :] or None
