"""make_works: distinct layers, found in stores or made; one that cannot be made does not stop the others."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.baking.layers.works import LayerWork
from conda_docker.errors import CacheError, InterpreterNotFound
from conda_docker.layers.fetching import fetching
from conda_docker.layers.made import MadeLayer, look_up
from conda_docker.layers.making.confirmation import Confirmation
from conda_docker.layers.making.pipeline import ready_layers
from conda_docker.layers.member import named
from conda_docker.layers.recipe import digest_of
from conda_docker.layers.stores.layer_stores import LayerStores
from python_docker.errors import Error
from python_docker.progress import SILENT, Progress, announce
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.made import Group
    from conda_docker.layers.member import Member
    from conda_docker.layers.stores import LayerStore
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.bytecode.interpreter import Interpreters
    from conda_docker.package.conda_format import PackageFile
    from python_docker.image.blob import Blob
    from python_docker.image.layer import Layer
    from python_docker.parallel import Stop


@dataclass(frozen=True, slots=True)
class MadeWork:
    """What became of a `work`: its layer, `known` before or made in so many seconds, or the error that it met.

    `facts` are what is known of the layer.
    """

    work: LayerWork
    layer: Layer | None
    known: bool = False
    seconds: float = 0.0
    error: Error | None = None
    facts: LayerFacts | None = None


class Compilers:
    """The interpreters that compile modules, each started once; a context manager that ends them."""

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._lock = threading.Lock()
        self._found: dict[str, Compiler | InterpreterNotFound] = {}

    def get(self, version: str, interpreters: Interpreters) -> Compiler:
        """Return the compiler of a Python of exactly that version. Raises `InterpreterNotFound`."""
        with self._lock:
            if version not in self._found:
                try:
                    self._found[version] = self._closing.enter_context(interpreters.start(version))
                except InterpreterNotFound as error:
                    self._found[version] = error
            found = self._found[version]
        if isinstance(found, InterpreterNotFound):
            raise found
        return found

    def __enter__(self) -> Compilers:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where layers are made: the stores that they are looked up and kept in, and what all layers share."""

    options: BuildOptions
    stores: LayerStores
    compilers: Compilers
    workers: int
    stop: Stop
    progress: Progress = SILENT

    @classmethod
    def open(
        cls,
        options: BuildOptions,
        compilers: Compilers,
        *,
        workers: int,
        stop: Stop,
        progress: Progress = SILENT,
        replaced: Sequence[LayerStore] = (),
    ) -> Workshop:
        """Return the workshop that some options ask for, which looks into images that are `replaced`, too.

        Raises `InvalidReference`, `CacheError`.
        """
        stores = LayerStores.of(options, progress=progress, stop=stop)
        stores = replace(stores, sources=(*stores.sources, *replaced))
        return cls(options, stores, compilers, workers, stop, progress)

    @property
    def looked_in(self) -> LayerStores:
        """The stores with those alone that layers are looked up in: none where all of them are to be made anew."""
        return self.stores if self.options.use_cache else self.stores.unread()

    @property
    def extracted(self) -> bool:
        """Whether layers from extracted folders are looked for, too."""
        return self.options.use_extracted or self.options.offline

    def expect(self, works: Sequence[LayerWork]) -> None:
        """Look up the layers of one environment in the layer repositories, at once where it is known as a whole."""
        self.looked_in.expect([work.key for work in works])

    def has(self, work: LayerWork) -> bool:
        """Return whether a store says that it has a layer; it is not checked."""
        found = look_up(0, work.members, work.recipe, self.looked_in.sources, {}, extracted=self.extracted)
        return found is not None


def make_works(
    works: Sequence[LayerWork], shop: Workshop, take: Callable[[LayerWork, Blob], bool] | None = None
) -> Iterator[MadeWork]:
    """Yield what becomes of each layer, in any order: first of those that stores have, then of each that is made.

    What a store of others says of a layer is checked as in a build: `take` has the places that it goes to take it
    unread, and returns False where its bytes are needed.

    A package that cannot be had, or is not one, costs the layers that hold it; an error of the cache, or of a
    repository that layers are to be kept in, ends all. Raises `CacheError`, `RegistryError`, and `CancelledError` when
    the workshop is stopped.
    """
    taking = None if take is None else lambda layer: take(works[layer.position], layer.layer.blob)
    confirmation = Confirmation(lambda number: works[number].recipe, shop.looked_in, taking, shop.extracted, shop.stop)
    found: list[MadeLayer] = []
    missing: dict[int, Group] = {}
    for number, work in enumerate(works):
        shop.stop.check()
        known = confirmation.look_up(number, work.members, {})
        if known is None:
            missing[number] = work.members
        else:
            found.append(known)
    _check_room(shop, [works[number] for number in missing])
    making = _Making(works, shop)
    kept: list[_Step] = []
    for layer in confirmation.confirmed(found, missing, {}):
        step = _Step(layer.position, layer)
        if shop.stores.keeps_elsewhere:
            kept.append(step)
        else:
            yield making.outcome(step)
    if not kept and not missing:
        return
    announce(shop.progress, "layer", len(missing))
    for step in ready_layers(
        kept,
        missing,
        making.fetch,
        making.write,
        making.keep,
        workers=shop.workers,
        stop=shop.stop,
    ):
        yield making.outcome(step)


def _check_room(shop: Workshop, missing: Sequence[LayerWork]) -> None:
    """Raise `CacheError` where the disk of the cache is certain to be full before all layers are made."""
    needed = sum(work.size for work in missing)
    cache = shop.stores.cache.root
    root = next((folder for folder in (cache, *cache.parents) if folder.is_dir()), None)
    if not needed or root is None:
        return
    free = shutil.disk_usage(root).free
    # A layer takes about as much as the archives of its packages, which may have to be downloaded too.
    if free < needed // 2:
        raise CacheError(
            f"the disk of {root} has {format_size(free)} left, and all {len(missing)} layers that this bake makes take "
            f"about {format_size(needed)}: make room with `cache prune`, choose another disk with --cache-dir, or "
            "allow what there is with --disk"
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """A layer on its way, or the error that it met."""

    number: int
    made: MadeLayer | None
    error: Error | None = None


class _Making:
    """What all layers of one `make_works` have in common."""

    def __init__(self, works: Sequence[LayerWork], shop: Workshop) -> None:
        self._works = works
        self._shop = shop
        self._failed: dict[tuple[str, str | None], Error] = {}
        self._fetch = fetching(
            shop.options,
            shop.stores.cache,
            early=True,
            failed=self._note_failure,
            progress=shop.progress,
            stop=shop.stop,
        )

    def _note_failure(self, member: Member, error: Error) -> None:
        self._failed[member.stem, member.sha256] = error

    def fetch(self, members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        """Yield all packages, in the end those too that could not be had: `write` knows these."""
        yield from self._fetch(members)
        for member in members:
            if (member.stem, member.sha256) in self._failed:
                yield member, Path()

    def write(self, number: int, group: Sequence[Member], paths: Sequence[PackageFile]) -> _Step:
        """Return a layer of packages that are there."""
        from conda_docker.layers.making.once import made_layer

        shop, work = self._shop, self._works[number]
        shop.stop.check()
        error = next((self._failed[m.stem, m.sha256] for m in group if (m.stem, m.sha256) in self._failed), None)
        if error is not None:
            return _Step(number, None, error)
        store, started = shop.stores.local, time.monotonic()
        task = shop.progress.start(f"layer {named(work.members)}", None)
        try:
            compiler = None
            if work.recipe.bytecode is not None and work.interpreters is not None:
                compiler = shop.compilers.get(work.recipe.bytecode, work.interpreters)
            made = made_layer(
                number,
                work.members,
                paths,
                work.recipe,
                store,
                task,
                shop.stop,
                compiler=compiler,
                anew=store not in shop.looked_in.sources,
                begun=started,
            )
        except CacheError:
            raise
        except Error as error:
            if any(isinstance(path, GrowingFile) for path in paths):
                task.finish("again")  # once all of the package is there, or it is known why not
                raise
            task.finish("failed")
            return _Step(number, None, error)
        return _Step(number, made)

    def keep(self, step: _Step) -> _Step:
        """Return the layer as the last store has it, once all have it."""
        made = step.made
        if made is None:
            return step
        self._shop.stop.check()
        inputs = self._works[step.number].recipe.inputs(made.members, extracted=made.extracted)
        assert inputs is not None  # else it would have no key
        key = digest_of(inputs)
        layer = self._shop.stores.keep(key, made.layer, made.facts, inputs, known=made.source is not None)
        return _Step(step.number, replace(made, layer=layer))

    def outcome(self, step: _Step) -> MadeWork:
        """Return what is told of a layer."""
        work = self._works[step.number]
        if step.made is None:
            return MadeWork(work, None, error=step.error)
        return MadeWork(work, step.made.layer, step.made.cached, step.made.seconds, facts=step.made.facts)
