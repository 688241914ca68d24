"""LayerRepository: where layers are kept for other machines, as `--cache-from` and `--cache-to` name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_docker.errors import InvalidReference
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions

_PORT = 4
"""Digits of what is rather a port than a tag."""


@dataclass(frozen=True, slots=True)
class LayerRepository:
    """A repository of a registry that keeps layers, such as `ghcr.io/org/layers`.

    `options` say how to talk to its registry (None: as the environment says). Raises `InvalidReference` for what cannot
    be the name of a repository.
    """

    reference: str
    options: RegistryOptions | None = None

    def __post_init__(self) -> None:
        scheme, separator, _ = self.reference.partition("://")
        if separator:
            hint = "; --insecure HOST allows plain HTTP" if scheme == "http" else ""
            from conda_docker.redaction import public_log

            rest = public_log(self.reference).partition("://")[2]
            raise InvalidReference(f"a layer repository is named without {scheme}://, such as {rest[:200]}{hint}")
        host, _, port = self.reference.partition(":")
        if "/" not in host and len(port) >= _PORT and port.isdecimal():
            raise InvalidReference(
                f"{self.reference[:200]} is a host: name a repository there, such as {self.reference[:200]}/layers"
            )
        reference = ImageReference.parse(self.reference)
        if ":" in self.reference.rpartition("/")[2] or reference.digest is not None:
            raise InvalidReference(
                f"{self.reference[:200]} names an image, and layers are in a repository: give {reference.name} alone; "
                "--cache-image reuses the layers of the image that is replaced"
            )
