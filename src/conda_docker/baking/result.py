"""TargetResult and BakeResult: what became of targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from python_docker.errors import Error


class Outcome(StrEnum):
    """What became of a target."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    """It is what an earlier bake wrote, so that nothing was done."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Another failed, and was to end all."""
    INTERRUPTED = "interrupted"
    """The bake was interrupted, or ended by an error that was not of one image."""


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
    knows without building that nothing changed; None where files of this machine are in it. `places` is a digest of the
    name of the image and of all places that it went to, None for what was not written. `seconds` is the time spent
    on this target alone, from the moment when its layers were there. `notes` is what the user should hear.
    """

    name: str
    image: str
    outcome: Outcome
    source: str = ""
    digest: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    inputs: str | None = None
    places: str | None = None
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
        return tuple(each for each in self.targets if each.outcome not in (Outcome.BUILT, Outcome.UNCHANGED))

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
