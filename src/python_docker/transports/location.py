"""Locations: `docker-archive:PATH[:REF]`, `oci:DIR[:TAG]`, `docker://REF`, ... as users of skopeo know them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from python_docker.errors import InvalidReference
from python_docker.spec.reference import ImageReference

_ARCHIVES = ("docker-archive", "oci-archive", "oci")
_TRANSPORTS = (*_ARCHIVES, "docker-daemon", "docker")
_ARCHIVE_SUFFIX = re.compile(r"\.tar(\.(gz|bz2|xz|zst))?$|\.tgz$")
FORMS = (
    "docker-archive:PATH[:REF], oci:DIR[:TAG], oci-archive:PATH[:TAG], docker://REF, docker-daemon:REF, "
    "or a path that ends in .tar"
)


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

    @classmethod
    def parse(cls, text: str, *, default_transport: str | None = None) -> Location:
        """Read a location. A text without a transport is an archive when it ends in `.tar`, a layout when it is a
        folder with an `index.json`, and otherwise one of `default_transport` if that is given.

        Raises `InvalidReference`.
        """
        transport, colon, rest = text.partition(":")
        if colon and transport in _ARCHIVES:
            path, name = _split_path(rest)
            if not path:
                raise InvalidReference(f"{text!r} names no file or folder")
            return cls(transport, path, name)
        if colon and transport == "docker" and rest.startswith("//"):
            return cls(transport, "", str(ImageReference.parse(rest[2:])))
        if colon and transport == "docker-daemon":
            return cls(transport, "", rest or None)
        if _ARCHIVE_SUFFIX.search(text) and "://" not in text:
            return cls("docker-archive", text)
        if Path(text, "index.json").is_file():
            return cls("oci", text)
        if default_transport == "docker" and "://" not in text:
            return cls("docker", "", str(ImageReference.parse(text)))
        raise InvalidReference(f"not a place for images: {text[:300]!r}; give one of {FORMS}")

    def reference(self) -> ImageReference | None:
        """The name as an image reference, if it has the form of one."""
        if not self.name or self.name.startswith("@"):
            return None
        try:
            return ImageReference.parse(self.name)
        except InvalidReference:
            return None

    def __str__(self) -> str:
        if self.transport == "docker":
            return f"docker://{self.name}"
        return ":".join(part for part in (self.transport, self.path, self.name) if part)


def _split_path(rest: str) -> tuple[str, str | None]:
    """Cut `PATH[:NAME]`: at the first colon, but not that of a Windows drive (`C:\\images\\x.tar`)."""
    start = 2 if re.match(r"[A-Za-z]:[\\/]", rest) else 0
    colon = rest.find(":", start)
    if colon < 0:
        return rest, None
    return rest[:colon], rest[colon + 1 :] or None
