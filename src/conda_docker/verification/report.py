"""What verification finds: a verdict on each layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from conda_docker.verification.steps import Step


class Outcome(StrEnum):
    """What is known of a layer after it was, or was not, made again."""

    IDENTICAL = "identical"
    """The same bytes."""
    SAME_CONTENT = "same content"
    """The same files, every byte of them; compressed otherwise, or in another order where the image says so."""
    DIFFERENT = "different"
    """Not what its packages make, or not what its digest says."""
    UNVERIFIED = "unverified"
    """Not compared, or not comparable."""


@dataclass(frozen=True, slots=True)
class LayerVerdict:
    """What was found of one layer.

    `kind` is what it holds: `base`, `packages`, `link scripts`, `environment` or `other`; `packages` are the names of
    its packages. `reason` says why it is not verified, or what is wrong; `differences` are paths with what differs.
    `asked` says whether it was to be verified, `excusable` whether the user may let it pass unverified.
    """

    digest: Digest
    diff_id: Digest
    size: int
    kind: str
    outcome: Outcome
    packages: tuple[str, ...] = ()
    reason: str | None = None
    differences: tuple[str, ...] = ()
    asked: bool = True
    excusable: bool = True


def verdict_on(step: Step, outcome: Outcome, reason: str | None = None, found: Iterable[str] = ()) -> LayerVerdict:
    """Return the verdict on the layer of a step; `found` are the paths that differ."""
    layer, names = step.layer, tuple(package.name for package in step.packages)
    return LayerVerdict(layer.digest, layer.diff_id, layer.size, step.kind, outcome, names, reason, tuple(found))


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was found of the layers of an image, bottom first. `notes` are what the user should hear in addition."""

    layers: tuple[LayerVerdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was verified, nothing is different, and what is unverified may be.

        Layers of packages without a hash may not, nor those that were asked for by a package's name: whoever changes
        a layer can take its hash from the history, too.
        """
        inexcusable = [layer for layer in self.missing if not layer.excusable]
        return not self.having(Outcome.DIFFERENT) and not inexcusable and bool(self.verified)

    @property
    def missing(self) -> Sequence[LayerVerdict]:
        """The layers that were to be verified and could not be."""
        return [layer for layer in self.having(Outcome.UNVERIFIED) if layer.asked]

    @property
    def verified(self) -> Sequence[LayerVerdict]:
        """The layers whose files are what they should be."""
        return self.having(Outcome.IDENTICAL, Outcome.SAME_CONTENT)

    @property
    def complete(self) -> bool:
        """Whether every layer was verified."""
        return len(self.verified) == len(self.layers)

    def having(self, *outcomes: Outcome) -> Sequence[LayerVerdict]:
        """Return the layers with one of these outcomes."""
        return [layer for layer in self.layers if layer.outcome in outcomes]
