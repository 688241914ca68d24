"""LayerDone: what became of the task of a layer, with what images need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from conda_docker.baking.failure import Failure

if TYPE_CHECKING:
    from conda_docker.baking.layers.making import MadeWork
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.stores.layer_stores import LayerStores
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """The entry of a layer, which is in all layer repositories that it is kept in: all of it but the bytes."""

    layer: Descriptor
    diff_id: Digest
    facts: LayerFacts
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, made: MadeWork, stores: LayerStores) -> Self | None:
        """Return the entry of a layer that was made or found; None where a repository does not keep it."""
        if made.layer is None or made.facts is None:
            return None
        entries = [repository.entry(made.work.key) for repository in _kept_in(stores)]
        if not entries or None in entries:
            return None
        inputs = made.work.recipe.inputs(made.work.members)
        return None if inputs is None else cls(made.layer.descriptor, made.layer.diff_id, made.facts, inputs)


@dataclass(frozen=True, slots=True)
class LayerDone:
    """A layer that is in the layer repository, `known` before or made now; without a digest, the image makes it."""

    key: str
    name: str
    digest: str = ""
    size: int = 0
    known: bool = False
    seconds: float = 0.0
    worker: str = ""
    bake: str = ""
    """Which bake asked for it: the scheduler gives equal work to all that ask."""
    failure: Failure | None = None
    entry: KeptEntry | None = None
    """Goes from worker to worker, so that those which make images need not ask the repository for it."""

    def tell(self, stores: LayerStores) -> None:
        """Have stores know the layer that was kept in their repositories."""
        if self.entry is not None:
            for repository in _kept_in(stores):
                repository.learn(self.key, self.entry.layer, self.entry.diff_id, self.entry.facts, self.entry.inputs)


def _kept_in(stores: LayerStores) -> list[RepositoryStore]:
    return [repository for repository in stores.repositories if repository in stores.destinations]
