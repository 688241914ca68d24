"""Target: one build among many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conda_docker.arguments.values import to_mapping, to_path, to_texts
from conda_docker.errors import InvalidTargets
from conda_docker.request import Request
from python_docker.argument_types import check_type
from python_docker.transports import Location
from python_docker.transports.shared_place import find_shared

if TYPE_CHECKING:
    from conda_docker.image.index import Attachments
    from conda_docker.image.result import BuildResult
    from python_docker.spec.documents.manifest import Index, Manifest
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
    `source` is the file that describes the environment, for reports. With `reuse_replaced`, layers of the images that
    are replaced at these places are used again.

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
    reuse_replaced: bool = False

    def __post_init__(self) -> None:
        from python_docker.spec.reference import ImageReference

        if not self.name or not isinstance(self.name, str):
            raise ValueError("a target needs a name")
        if not isinstance(self.request, Request):
            raise TypeError(f"request must be a Request, not {type(self.request).__name__}")
        check_type("image", self.image, str)
        if not isinstance(self.outputs, Iterable):
            check_type("outputs", self.outputs, Sequence, "places such as 'oci:images/demo'")
        ImageReference.parse(self.image or f"{self.name}:latest")
        places = (self.outputs,) if isinstance(self.outputs, (str, Location)) else tuple(self.outputs)
        for place in places:
            check_type("each of outputs", place, (Location, str), "such as 'oci:images/demo'")
        found = (place if isinstance(place, Location) else Location.parse(place) for place in places)
        object.__setattr__(self, "outputs", tuple(dict.fromkeys(found)))
        object.__setattr__(self, "insecure", to_texts("insecure", self.insecure))
        object.__setattr__(self, "ca_bundle", to_path("ca_bundle", self.ca_bundle))
        object.__setattr__(self, "annotations", to_mapping("annotations", self.annotations))
        check_type("source", self.source, str)
        check_type("reuse_replaced", self.reuse_replaced, bool)

    @property
    def reference(self) -> ImageReference:
        """The name of the image."""
        from python_docker.spec.reference import ImageReference

        return ImageReference.parse(self.image or f"{self.name}:latest")


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
    found = find_shared((name, place) for name, outputs in images for place in outputs)
    if found is not None:
        raise InvalidTargets(f"{found.first} and {found.second} would both be written to {found.place}; {advice}")
