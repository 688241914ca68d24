"""Prefix: where an environment lives in the image, and the Python that it has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conda_docker.errors import InvalidPackage
from python_docker.errors import InvalidPath
from python_docker.tar import contained_path

_MAJOR_MINOR = re.compile(r"(?:\d+!)?(\d+\.\d+)")  # an epoch is not part of a path


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix as it is in the image.

    `path` is absolute; `python_version` (such as "3.12") and `site_packages` (relative to the prefix) are those of the
    environment's Python, None when it has none. `site_packages` follows from the version unless it is given: the
    record of a free-threaded Python has it as `python_site_packages_path` (CEP 17). `place` is where the prefix leads
    when folders on the way are links in the base image: a layer that named the links would replace them by folders.

    Raises `InvalidPath` for a path that is not absolute, and for a `site_packages` outside the prefix, and
    `InvalidPackage` for a version that is not one of Python.

    >>> Prefix("/opt/conda/", "3.12.1")
    Prefix(path='/opt/conda', python_version='3.12', site_packages='lib/python3.12/site-packages', place=None)
    """

    path: str
    python_version: str | None = None
    site_packages: str | None = None
    place: str | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise InvalidPath(f"a prefix must be an absolute path, not {self.path[:200]!r}")
        object.__setattr__(self, "path", "/" + contained_path(self.path))
        if self.place is not None:
            place = "/" + contained_path(self.place)
            object.__setattr__(self, "place", None if place == self.path else place)
        if self.python_version is None:
            return
        version = _MAJOR_MINOR.match(self.python_version)
        if version is None:
            raise InvalidPackage(
                f"not a version of Python: {self.python_version[:80]!r}; the package python should have one such as "
                "3.12.1"
            )
        object.__setattr__(self, "python_version", version[1])
        if self.site_packages is None:
            object.__setattr__(self, "site_packages", f"lib/python{version[1]}/site-packages")
        elif self.site_packages.startswith("/"):
            raise InvalidPath(f"site-packages must be in the prefix, not at {self.site_packages[:200]!r}")
        else:
            object.__setattr__(self, "site_packages", contained_path(self.site_packages))

    @property
    def root(self) -> str:
        """Where the prefix is, relative to the image's root: `opt/conda`."""
        return (self.place or self.path)[1:]
