"""make_layers: the layers of a plan, from stores where they have them, else made from packages, in parallel."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conda_docker.errors import CacheError, OutOfReach
from conda_docker.layers.clobbers import Settlement, remember_settlement, remembered_settlement
from conda_docker.layers.made import Group, MadeLayer, losing_groups, members_that_meet, with_settlement
from conda_docker.layers.making.confirmation import Confirmation
from conda_docker.layers.making.keeping import Keeping
from conda_docker.layers.member import named
from conda_docker.layers.stores.confirm import check_diff_id, differences
from python_docker.errors import Error
from python_docker.image.layer import Layer
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress, announce

if TYPE_CHECKING:
    from conda_docker.layers.fetching import Fetch
    from conda_docker.layers.member import Losses, Member
    from conda_docker.layers.plan import LayerPlan
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.layer_stores import LayerStores
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.bytecode.interpreter import Interpreters
    from conda_docker.package.conda_format import PackageFile
    from python_docker.image.blob import Blob
    from python_docker.spec.digest import Digest


_log = logging.getLogger("conda_docker")


def make_layers(
    plan: LayerPlan,
    recipe: Recipe,
    stores: LayerStores,
    fetch: Fetch,
    *,
    interpreters: Interpreters | None = None,
    extracted: bool = False,
    take: Callable[[Blob], bool] | None = None,
    workers: int = 1,
    progress: Progress = SILENT,
    stop: Stop | None = None,
) -> Iterator[MadeLayer]:
    """Yield the layer of each group of packages in `plan` as soon as it is there, in any order.

    Layers that the `stores` have are taken from there. The others are made: `fetch` gives packages with their archives,
    folders or wheels as they become available, in any order; up to `workers` layers are written at once, and kept in
    the stores. `extracted` looks for layers from extracted folders, too.

    A layer of a store of others is checked before it is given (see `stores.confirm`). `take` has the places that the
    image goes to take one unread, and returns False where its bytes are needed. A layer that is not what was said, or
    is gone, is made, with a warning.

    Which package wins a path that several bring is known only when all layers are: a layer that loses one is yielded
    again without it, and the later one is the layer of its `position`. Those of stores that are certain to meet others
    wait for that. `stop` ends the work with `CancelledError`; it is set by an error here.

    Raises `DownloadError`, `InvalidPackage`, `CacheError`; and before anything is made, `InterpreterNotFound` when
    modules must be compiled and no Python for it can be had from `interpreters`.
    """
    stop = stop or Stop()
    groups = [tuple(group) for group in plan.groups]
    with ExitStack() as closing:
        taking = None if take is None else lambda layer: take(layer.layer.blob)
        confirmation = Confirmation(lambda _: recipe, stores, taking, extracted, stop)
        keeping = Keeping(recipe, stores, stop)
        making = _Making(recipe, stores, fetch, confirmation, keeping, interpreters, workers, progress, closing, stop)
        made: dict[int, MadeLayer] = {}
        held: list[MadeLayer] = []
        for layer in making.layers(dict(enumerate(groups)), {}):
            made[layer.position] = layer
            if layer.position in making.meeting:
                held.append(layer)
            else:
                yield layer
        stems = {member.stem for member in members_that_meet([made[position] for position in sorted(made)])}
        stems |= plan.replaced.keys()
        if not stems:
            yield from making.confirmed(held)
            making.keeping.keep_plan(groups)
            return
        settlement = making.settle([member for member in plan.order if member.stem in stems], plan.replaced)
        changed = losing_groups(groups, settlement)
        yield from making.confirmed([layer for layer in held if layer.position not in changed])
        for layer in making.layers(changed, settlement.losses, settled=True):
            yield with_settlement(layer, settlement, first=layer.position == min(changed))
        making.keeping.keep_plan(groups)


@dataclass(slots=True, eq=False)
class _Making:
    """What all layers of one `make_layers` have in common."""

    recipe: Recipe
    stores: LayerStores
    fetch: Fetch
    confirmation: Confirmation
    keeping: Keeping
    interpreters: Interpreters | None
    workers: int
    progress: Progress
    closing: ExitStack
    stop: Stop
    compilers: list[Compiler] = field(default_factory=list)
    again: bool = False
    """Whether layers are made although the cache has them: what it has is damaged."""
    meeting: set[int] = field(default_factory=set)
    """The positions of layers that stores had, and that have paths of others of these: some of them lose these."""

    def layers(self, groups: Mapping[int, Group], lost: Losses, *, settled: bool = False) -> Iterator[MadeLayer]:
        """Yield the layer of each group, those of stores first.

        Unless it is `settled` what they lose, those that have paths of others are not checked yet: they may lose one,
        and are then not wanted, and need not be there.
        """
        missing = {}
        found = []
        self._expect(groups.values(), lost)
        for position, group in groups.items():
            known = self.confirmation.look_up(position, group, lost)
            if known is None:
                missing[position] = group
            else:
                found.append(known)
        stems = {member.stem for member in members_that_meet(found)}
        self.meeting.update(layer.position for layer in found if any(member.stem in stems for member in layer.members))
        checked = {layer.position: layer for layer in found if self.stores.is_to_be_verified(layer.layer)}
        compiler = self._compiler(missing | {position: groups[position] for position in checked})
        if checked:
            self._verify(checked, lost, compiler)
        waiting = {layer.position for layer in found if not settled and self._may_be_superseded(layer, lost)}
        kept = [layer for layer in found if layer.position in waiting]
        for layer in self.confirmation.confirmed(
            [layer for layer in found if layer.position not in waiting], missing, lost
        ):
            if self.stores.keeps_elsewhere:
                kept.append(layer)
            else:
                yield self._replaceable(self.keeping.keep(layer, lost), lost)
        compiler = self._compiler(missing)
        for ready in self._ready(missing, lost, compiler, kept):
            # Another process may prune the cache before it is used.
            yield ready if ready.position in waiting else self._replaceable(ready, lost)

    def confirmed(self, layers: Sequence[MadeLayer]) -> Iterator[MadeLayer]:
        """Yield layers that were given unchecked, and lose nothing; what is made in place of those that are wrong."""
        wrong: dict[int, Group] = {}
        for layer in self.confirmation.confirmed(layers, wrong, {}):
            yield self._replaceable(layer, {})
        if wrong:
            yield from self.layers(wrong, {}, settled=True)

    def settle(self, members: Sequence[Member], replaced: Mapping[str, Sequence[str]]) -> Settlement:
        """Return what each of `members`, in order, loses to a later one. Remembered: a second call reads none."""
        key = self.recipe.key(members, replaced=replaced)
        settlement = remembered_settlement(self.stores.cache, key, self.stores.sources)
        if settlement is None:
            from conda_docker.layers.making.settle import settle

            settlement = settle(members, replaced, self.recipe, self.fetch)
            remember_settlement(self.stores.cache, key, settlement)
        if key is not None:
            self.keeping.notes[key] = settlement.to_json()
        return settlement

    def _replaceable(self, known: MadeLayer, lost: Losses) -> MadeLayer:
        """Return a layer of the cache that is made again when it turns out to be damaged, or gone from there."""

        origin = known.layer.blob.origin
        foreign = self.stores.is_foreign(known.source)

        def make_again() -> Digest:
            with ExitStack() as closing:
                anew = replace(self, closing=closing, compilers=[], stop=Stop(), again=True)
                missing = {known.position: known.members}
                [again] = anew._ready(missing, lost, anew._compiler(missing))
            if different := differences(known, again):
                raise CacheError(
                    f"{origin or 'the cache'} has a different layer for {named(known.members)} than its packages make: "
                    f"{different}; the right one is in the cache now, so run the command again"
                )
            return again.layer.digest

        blob = known.layer.blob
        fetch = None if blob.origin is None or blob.file is None else blob.file.again

        def fetch_or_make() -> Digest:
            if fetch is not None:
                try:
                    digest = fetch()
                    if foreign:
                        check_diff_id(known.layer, self.stores.cache)
                    return digest
                except OutOfReach as error:
                    _log.debug("%s", error)
                except Error as error:
                    _log.warning("cannot get a layer from %s, so it is made again: %s", blob.origin, error)
            return make_again()

        return replace(known, layer=Layer(blob.replaced_by(fetch_or_make), known.layer.diff_id))

    def _may_be_superseded(self, layer: MadeLayer, lost: Losses) -> bool:
        return layer.position in self.meeting and not self.confirmation.is_copied(layer, lost)

    def _expect(self, groups: Iterable[Group], lost: Losses) -> None:
        self.stores.expect([key for group in groups if (key := self.recipe.key(group, lost=lost)) is not None])

    def _verify(self, layers: Mapping[int, MadeLayer], lost: Losses, compiler: Compiler | None) -> None:
        """Make layers anew. Raises `CacheError` for one that is another than its store has."""
        groups = {position: layer.members for position, layer in layers.items()}
        for anew in self._ready(groups, lost, compiler):
            known = layers[anew.position]
            if different := differences(known, anew):
                raise CacheError(
                    f"{known.layer.blob.origin} has a different layer for {named(anew.members)} than its packages "
                    f"make: {different}; whoever can write there may have tampered with it"
                )

    def _compiler(self, groups: Mapping[int, Group]) -> Compiler | None:
        """Return the compiler for the modules of some packages, started once; None when there are none to compile."""
        if self.recipe.bytecode is None or not any(map(self.recipe.compiles, groups.values())):
            return None
        if not self.compilers:
            if self.interpreters is None:
                raise ValueError(f"there is no Python {self.recipe.bytecode} to byte-compile modules with")
            self.compilers.append(self.closing.enter_context(self.interpreters.start(self.recipe.bytecode)))
        return self.compilers[0]

    def _ready(
        self,
        missing: Mapping[int, Group],
        lost: Losses,
        compiler: Compiler | None,
        found: Sequence[MadeLayer] = (),
    ) -> Iterator[MadeLayer]:
        """Yield layers as they become ready: those that were `found`, and those of `missing` groups, which are made."""
        if not self.stores.keeps_elsewhere:
            yield from (self.keeping.keep(layer, lost) for layer in found)
            found = ()
        if missing or found:
            from conda_docker.layers.making.pipeline import ready_layers

            announce(self.progress, "layer", len(missing))
            yield from ready_layers(
                found,
                missing,
                self.fetch,
                lambda position, group, paths: self._write(position, group, paths, lost, compiler),
                lambda layer: self.keeping.keep(layer, lost),
                workers=self.workers,
                stop=self.stop,
            )

    def _write(
        self, position: int, group: Group, paths: Sequence[PackageFile], lost: Losses, compiler: Compiler | None
    ) -> MadeLayer:
        from conda_docker.layers.making.once import made_layer
        from python_docker.streams.growing import GrowingFile

        self.stop.check()
        started = time.monotonic()
        task = self.progress.start(f"layer {named(group)}", None)
        store = self.stores.local
        anew = self.again or store not in self.stores.sources
        try:
            return made_layer(
                position,
                group,
                paths,
                self.recipe,
                store,
                task,
                self.stop,
                compiler=compiler,
                lost=lost,
                anew=anew,
                begun=started,
            )
        except Error:
            if any(isinstance(path, GrowingFile) for path in paths):
                task.finish("again")  # once all of the package is there
            raise
