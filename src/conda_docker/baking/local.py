"""bake_here: the layers and images of a bake, made on this machine, and sent while others are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.making import Compilers, Workshop, make_works
from conda_docker.baking.layers.sending import Carriers
from conda_docker.baking.layers.works import largest_first
from conda_docker.baking.planned import Planned, by_machine, compilable
from conda_docker.baking.space import Space
from conda_docker.layers.stores.folder import FolderStore
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.baking.running import Bake
    from conda_docker.build_options import BuildOptions
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.image.blob import Blob


def bake_here(running: Bake) -> None:
    """Do all of a bake on this machine; what becomes of each target is told as it ends."""
    planned = running.plan()
    for options, group in by_machine(planned):
        if running.stop.is_set():
            break
        try:
            _Making(running).make(options, group)
        except (Error, CancelledError) as error:
            cause = running.stop.cause if isinstance(error, CancelledError) else error
            for each in group:
                running.end(each.target, cause if isinstance(cause, Error) else None)
    running.end_all()


class _Making:
    """The targets of one cache folder, and the like (see `by_machine`), as they are made."""

    def __init__(self, bake: Bake) -> None:
        self._bake = bake

    def make(self, options: BuildOptions, group: Sequence[Planned]) -> None:
        """Make the layers of some targets, and put each together when its layers are there."""
        with ExitStack() as closing:
            from conda_docker.cache.pushed import PushedBlobs

            shop = Workshop.open(
                options,
                closing.enter_context(Compilers()),
                workers=self._bake.limits.layers_at_once,
                stop=self._bake.stop,
                progress=self._bake.progress,
                replaced=[each.replaced for each in group if each.replaced is not None],
            )
            self._bake.assembly.places = PushedBlobs(shop.stores.cache)
            carriers = closing.enter_context(
                Carriers(self._bake.assembly.registry_of, self._bake.stop, self._bake.progress)
            )
            pool = closing.enter_context(ThreadPoolExecutor(self._bake.limits.jobs, thread_name_prefix="image"))
            self._bake.assembly.near = carriers.destination
            try:
                self._run_group(shop, group, carriers, pool)
            except BaseException as error:
                self._bake.stop.set(error)
                pool.shutdown(cancel_futures=True)
                raise

    def _run_group(
        self, shop: Workshop, group: Sequence[Planned], carriers: Carriers, pool: ThreadPoolExecutor
    ) -> None:
        holders: dict[str, list[Planned]] = {}
        for each in group:
            shop.expect(each.works)
            each.works = compilable(each.works, shop)
            each.awaited = {work.key for work in each.works}
            for key in each.awaited:
                holders.setdefault(key, []).append(each)
            for resolved in each.resolved:
                if resolved.base is not None:
                    blobs = [layer.blob for layer in reversed(resolved.base.layers)]
                    self._send(each, blobs, "layer of the base", carriers)
        self._bake.count_packages(work for each in group for work in each.works)
        space = None if self._bake.limits.disk is None else Space(self._bake.limits.disk, shop, group)

        def take(work: LayerWork, blob: Blob) -> bool:
            return all(carriers.take(each.target, blob) for each in holders[work.key])

        futures = [pool.submit(self._finish, each, shop, carriers) for each in group if not each.awaited]
        for works in self._rounds(space, group):
            for made in make_works(works, shop, take):
                self._bake.note(made)
                if space is not None:
                    space.arrived(made)
                for each in holders[made.work.key]:
                    if made.layer is None:
                        self._bake.end(each.target, made.error)
                        continue
                    self._send(each, [made.layer.blob], made.work.members[0].name, carriers)
                    each.awaited.discard(made.work.key)
                    if not each.awaited and not self._bake.has_ended(each.target):
                        futures.append(pool.submit(self._finish, each, shop, carriers))
            for future in futures:
                future.result()
            if space is not None:
                carriers.settle()
                futures.clear()

    def _rounds(self, space: Space | None, group: Sequence[Planned]) -> Iterator[list[LayerWork]]:
        """Yield layers to make, all at once where nothing bounds the space that they take."""
        if space is None:
            yield largest_first(work for each in group for work in each.works)
            return
        for each in group:
            if (refusal := space.refusal(each)) is not None:
                self._bake.end(each.target, refusal)
        while left := [each for each in group if not self._bake.has_ended(each.target)]:
            works = space.next_works(left)
            if isinstance(works, Planned):
                self._bake.end(works.target, space.exceeded(works))
            else:
                yield works
            space.clear([each for each in group if not self._bake.has_ended(each.target)])
            self._bake.stop.check()

    def _send(self, each: Planned, blobs: Sequence[Blob], name: str, carriers: Carriers) -> None:
        each.sent |= {blob.descriptor.digest for blob in blobs}
        carriers.begin(each.target, blobs, f"push {name}")

    def _finish(self, each: Planned, shop: Workshop, carriers: Carriers) -> None:
        target = each.target
        if self._bake.stop.is_set():
            return
        try:
            carriers.wait(target, each.sent)
            self._bake.tell(
                self._bake.assembly.assemble(
                    target,
                    each.resolved,
                    self._stores(each, shop.stores),
                    inputs=each.inputs,
                    earlier=self._bake.earlier(target),
                    replaced=each.replaced,
                )
            )
        except (Error, OSError) as error:
            self._bake.end(target, error if isinstance(error, Error) else Failure.of(error).error())
        except CancelledError:
            pass  # who stops all says why
        finally:
            each.resolved, each.works = (), []  # of hundreds of images, the memory is needed for others

    def _stores(self, each: Planned, stores: LayerStores) -> LayerStores:
        """Return the stores of one image: layers that have left the disk count, and are made again if they are read."""
        local = stores.local if self._bake.limits.disk is None else FolderStore(stores.local.root, facts_alone=True)
        own = () if each.replaced is None else (each.replaced,)
        return replace(
            stores,
            local=local,
            sources=tuple(local if store is stores.local else store for store in stores.sources),
            destinations=(*(local if store is stores.local else store for store in stores.destinations), *own),
        )
