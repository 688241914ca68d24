"""Target: one build among many, and TargetResult and BakeResult: what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conda_docker.request import Request
from python_docker.errors import Error
from python_docker.transports import Location

if TYPE_CHECKING:
    from conda_docker.image.index import Attachments
    from conda_docker.image.result import BuildResult
    from python_docker.spec.documents import Index, Manifest
    from python_docker.spec.reference import ImageReference


class Finishing(Protocol):
    """What else goes with the images of a target: bills of materials, provenance, signatures."""

    def attachments(self, results: Sequence[BuildResult]) -> Attachments | None:
        """Return what is attached to the images, None for nothing."""

    def written(self, written: Mapping[Location, Manifest | Index]) -> None:
        """Hear what was written at each place, once all of it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One build of a bake.

    `name` is its name in reports. `image` is the name of the image, `outputs` are the places that it goes to, such as
    `docker://ghcr.io/org/demo:1.0` or `oci:images/demo`; without any nothing is written, and only the digest is found
    out. `insecure` are the hosts whose certificates are not verified, `ca_bundle` is a file of certificates to trust.
    `source` is the file that describes the environment, for reports.

    Raises `InvalidReference` for an `image` or a place that cannot be one.

    >>> Target(name="numpy", request=Request(specs=["numpy"]), image="ghcr.io/org/numpy:2").outputs
    ()
    """

    name: str
    request: Request
    image: str = ""
    outputs: Sequence[Location] = ()
    insecure: Sequence[str] = ()
    ca_bundle: Path | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of the index of an image for several platforms."""
    finishing: Finishing | None = field(default=None, compare=False)
    source: str = ""

    def __post_init__(self) -> None:
        from python_docker.spec.reference import ImageReference

        if not self.name or not isinstance(self.name, str):
            raise ValueError("a target needs a name")
        if not isinstance(self.request, Request):
            raise TypeError(f"request must be a Request, not {type(self.request).__name__}")
        ImageReference.parse(self.image or f"{self.name}:latest")
        places = (self.outputs,) if isinstance(self.outputs, (str, Location)) else self.outputs
        found = (place if isinstance(place, Location) else Location.parse(place) for place in places)
        object.__setattr__(self, "outputs", tuple(dict.fromkeys(found)))
        object.__setattr__(self, "insecure", tuple(self.insecure))

    @property
    def reference(self) -> ImageReference:
        """The name of the image."""
        from python_docker.spec.reference import ImageReference

        return ImageReference.parse(self.image or f"{self.name}:latest")


class Outcome(StrEnum):
    """What became of a target."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    """It is what an earlier bake wrote, so that nothing was done."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Another failed, and was to end all, or the bake was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """A layer of packages in an image; its size is in bytes. `known` says that it was there before this bake."""

    packages: tuple[str, ...]
    digest: str
    size: int
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """What became of a target.

    `digest` is that of the manifest or index that was written; None where there is none, or where places have others.
    `digests` has that of each place. `inputs` is a digest of all that the image is made from, by which a later bake
    knows without building that nothing changed; None where files of this machine are in it. `seconds` is the time spent
    on this target alone, from the moment when its layers were there. `notes` is what the user should hear.
    """

    name: str
    image: str
    outcome: Outcome
    source: str = ""
    digest: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    inputs: str | None = None
    platforms: tuple[str, ...] = ()
    layers: tuple[LayerSummary, ...] = ()
    seconds: float = 0.0
    error: Error | None = None
    notes: tuple[str, ...] = ()

    @property
    def made(self) -> int:
        """How many of its layers of packages this bake made, for this target or another one."""
        return sum(not layer.known for layer in self.layers)

    @property
    def known(self) -> int:
        """How many of its layers of packages were there before."""
        return sum(layer.known for layer in self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class BakeResult:
    """What became of all targets, in their order; layers and packages count once, whatever number of images has them.

    `made` are the layers that were made, `known` those that were there, `made_bytes` the bytes of the former; `seconds`
    is the time that all took.
    """

    targets: tuple[TargetResult, ...]
    packages: int = 0
    made: int = 0
    known: int = 0
    made_bytes: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[TargetResult, ...]:
        """The targets without an image."""
        return tuple(each for each in self.targets if each.outcome in (Outcome.FAILED, Outcome.CANCELLED))

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each image by the name of its target, where there is one."""
        return {each.name: each.digest for each in self.targets if each.digest is not None}

    def raise_for_failures(self) -> None:
        """Raise `BakeFailed` where any target failed, with the first error as its cause."""
        failed = [each for each in self.targets if each.error is not None]
        if not failed:
            return
        lines = [f"{each.name}: {each.error}" for each in failed[:_LISTED]]
        more = [f"and {len(failed) - _LISTED} more"] if len(failed) > _LISTED else []
        error = BakeFailed("\n".join([f"{len(failed)} of {len(self.targets)} images failed:", *lines, *more]))
        raise error from failed[0].error


class BakeFailed(Error):
    """Images of a bake that could not be built; the message names them."""


_LISTED = 20


def check_targets(targets: Sequence[Target]) -> None:
    """Raise `InvalidTargets` for targets of one name, and for those that would write to one place."""
    twice = next((name for name, number in Counter(each.name for each in targets).items() if number > 1), None)
    if twice is not None:
        sources = " and ".join(each.source or "?" for each in targets if each.name == twice)
        raise InvalidTargets(
            f"two images are called {twice!r} ({sources}); build them apart, or rename one of the files"
        )
    check_places(
        ((target.name, target.outputs) for target in targets),
        advice="let the names of images differ, with {name} or {tag} in them",
    )


def check_places(images: Iterable[tuple[str, Sequence[Location]]], *, advice: str) -> None:
    """Raise `InvalidTargets`, with advice, for images that would be written to one place.

    Each is a name and the places that it goes to.
    """
    owners: dict[str, str] = {}
    for name, outputs in images:
        for place in outputs:
            where = str(place)
            if place.medium.is_file:
                where = f"{place.path}"  # an archive is written as a whole
            elif place.transport == "oci" and place.name is None:
                where = f"{place}:"
            if where in owners:
                raise InvalidTargets(f"{owners[where]} and {name} would both be written to {place}; {advice}")
            owners[where] = name


class InvalidTargets(Error, ValueError):
    """Targets that cannot be built together."""
