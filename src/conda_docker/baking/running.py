"""Bake: one bake on this machine, from targets to what became of them; see `bake`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.baking.assembly import Assembly
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.making import Compilers, MadeWork, Workshop, make_works
from conda_docker.baking.layers.sending import Carriers
from conda_docker.baking.layers.works import distinct_packages, largest_first, plan_of, works_of
from conda_docker.baking.planned import Planned, by_machine, compilable, platform_name
from conda_docker.baking.result import BakeResult, Outcome, TargetResult
from conda_docker.baking.since import Earlier, inputs_digest, places_digest
from conda_docker.baking.solving.pool import solve_all
from conda_docker.baking.solving.solution import open_solution
from conda_docker.baking.space import Space
from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.location import default_cache_dir
from conda_docker.layers.stores.folder import FolderStore
from python_docker.errors import Error
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.baking.limits import Limits
    from conda_docker.baking.targets.target import Target
    from conda_docker.build_options import BuildOptions
    from conda_docker.layers.stores.layer_stores import LayerStores
    from conda_docker.layers.stores.replaced import ReplacedImages
    from python_docker.image.blob import Blob

Done = Callable[[TargetResult], object]


class Bake:
    """One bake on this machine. A context manager: left early, it stops all that is under way."""

    def __init__(
        self,
        targets: Sequence[Target],
        limits: Limits,
        *,
        fail_fast: bool = False,
        since: Mapping[str, Earlier] | None = None,
        progress: Progress = SILENT,
        done: Done = lambda result: None,
    ) -> None:
        self.stop = Stop()
        self.limits = limits
        self.progress = progress
        self.assembly = Assembly(self.stop, progress)
        self._targets = targets
        self._fail_fast = fail_fast
        self._since = since or {}
        self._done = done
        self._begun = time.monotonic()
        self._results: dict[str, TargetResult] = {}
        self._lock = threading.Lock()
        self._closing = ExitStack()
        self._known: set[str] = set()
        self._packages = 0

    def __enter__(self) -> Bake:
        from conda_docker.image.base.opening import shared_bases

        self._closing.enter_context(shared_bases())
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.stop.set(error)
        self._closing.close()

    def run(self) -> None:
        """Do all of it; what becomes of each target is told as it ends."""
        planned = self.plan()
        for options, group in by_machine(planned):
            if self.stop.is_set():
                break
            try:
                self._make(options, group)
            except (Error, CancelledError) as error:
                cause = self.stop.cause if isinstance(error, CancelledError) else error
                for each in group:
                    self.end(each.target, cause if isinstance(cause, Error) else None)
        self.end_all()

    def end_all(self) -> None:
        """Note that the targets that nothing became of were given up."""
        for target in self._targets:
            self.end(target, None)

    def plan(self, *, download: bool = True) -> list[Planned]:
        """Return what each target is made of, of those that can be solved and have changed."""
        planned = []
        requests = [(target.name, target.request) for target in self._targets]
        for number, found in solve_all(
            requests,
            jobs=self.limits.jobs,
            memory=self.limits.memory,
            download=download,
            stop=self.stop,
            progress=self.progress,
        ):
            target = self._targets[number]
            if isinstance(found, Failure):
                self.end(target, found.error())
                continue
            try:
                resolved = tuple(open_solution(each, target.request) for each in found)
                options = target.request.options
                works = [work for each in resolved for work in works_of(plan_of(each, options), options)]
                each = Planned(target, resolved, works, inputs_digest(target, resolved))
            except Error as error:
                self.end(target, error)
                continue
            if self._has_changed(each):
                each.replaced = self._replaced(target)
                planned.append(each)
        order = {target.name: number for number, target in enumerate(self._targets)}
        return sorted(planned, key=lambda each: order[each.target.name])

    def result(self) -> BakeResult:
        """Return what became of all targets."""
        made = self.assembly.made
        return BakeResult(
            targets=tuple(self._results[target.name] for target in self._targets),
            packages=self._packages,
            made=len(made),
            known=len(self._known),
            made_bytes=sum(made.values()),
            seconds=time.monotonic() - self._begun,
        )

    def _has_changed(self, each: Planned) -> bool:
        earlier = self._since.get(each.target.name)
        if earlier is None or not earlier.is_of(each.target, each.inputs):
            return True
        self.tell(
            TargetResult(
                name=each.target.name,
                image=each.target.reference.familiar,
                outcome=Outcome.UNCHANGED,
                source=each.target.source,
                digest=earlier.digest,
                inputs=each.inputs,
                places=places_digest(each.target),
                platforms=tuple(platform_name(resolved) for resolved in each.resolved),
            )
        )
        return False

    def _replaced(self, target: Target) -> ReplacedImages | None:
        """Begin to read what is known of the images that a target replaces, where that is asked for."""
        if not target.reuse_replaced:
            return None
        from conda_docker.layers.stores.replaced import ReplacedImages, replaceable

        options = target.request.options
        return ReplacedImages(
            [] if options.offline else replaceable(target.outputs),
            CacheFolder(options.cache_dir or default_cache_dir()),
            lambda place: self.assembly.registry_of(target, place),
        )

    def _make(self, options: BuildOptions, group: Sequence[Planned]) -> None:
        """Make the layers of some targets, and put each together when its layers are there."""
        with ExitStack() as closing:
            from conda_docker.cache.pushed import PushedBlobs

            shop = Workshop.open(
                options,
                closing.enter_context(Compilers()),
                workers=self.limits.layers_at_once,
                stop=self.stop,
                progress=self.progress,
                replaced=[each.replaced for each in group if each.replaced is not None],
            )
            self.assembly.places = PushedBlobs(shop.stores.cache)
            carriers = closing.enter_context(Carriers(self.assembly.registry_of, self.stop, self.progress))
            pool = closing.enter_context(ThreadPoolExecutor(self.limits.jobs, thread_name_prefix="image"))
            try:
                self._run_group(shop, group, carriers, pool)
            except BaseException as error:
                self.stop.set(error)
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
        self._packages += distinct_packages([work for each in group for work in each.works])
        space = None if self.limits.disk is None else Space(self.limits.disk, shop, group)

        def take(work: LayerWork, blob: Blob) -> bool:
            return all(carriers.take(each.target, blob) for each in holders[work.key])

        futures = [pool.submit(self._finish, each, shop, carriers) for each in group if not each.awaited]
        for works in self._rounds(space, group):
            for made in make_works(works, shop, take):
                self._note(made)
                if space is not None:
                    space.arrived(made)
                for each in holders[made.work.key]:
                    if made.layer is None:
                        self.end(each.target, made.error)
                        continue
                    self._send(each, [made.layer.blob], made.work.members[0].name, carriers)
                    each.awaited.discard(made.work.key)
                    if not each.awaited and not self.has_ended(each.target):
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
                self.end(each.target, refusal)
        while left := [each for each in group if not self.has_ended(each.target)]:
            works = space.next_works(left)
            if isinstance(works, Planned):
                self.end(works.target, space.exceeded(works))
            else:
                yield works
            space.clear([each for each in group if not self.has_ended(each.target)])
            self.stop.check()

    def _send(self, each: Planned, blobs: Sequence[Blob], name: str, carriers: Carriers) -> None:
        each.sent |= {blob.descriptor.digest for blob in blobs}
        carriers.begin(each.target, blobs, f"push {name}")

    def _finish(self, each: Planned, shop: Workshop, carriers: Carriers) -> None:
        target = each.target
        if self.stop.is_set():
            return
        try:
            carriers.wait(target, each.sent)
            self.tell(
                self.assembly.assemble(
                    target,
                    each.resolved,
                    self._stores(each, shop.stores),
                    inputs=each.inputs,
                    earlier=self._since.get(target.name),
                    replaced=each.replaced,
                )
            )
        except (Error, OSError) as error:
            self.end(target, error if isinstance(error, Error) else Failure.of(error).error())
        except CancelledError:
            pass  # who stops all says why
        finally:
            each.resolved, each.works = (), []  # of hundreds of images, the memory is needed for others

    def _stores(self, each: Planned, stores: LayerStores) -> LayerStores:
        """Return the stores of one image: layers that have left the disk count, and are made again if they are read."""
        local = stores.local if self.limits.disk is None else FolderStore(stores.local.root, facts_alone=True)
        own = () if each.replaced is None else (each.replaced,)
        return replace(
            stores,
            local=local,
            sources=tuple(local if store is stores.local else store for store in stores.sources),
            destinations=(*(local if store is stores.local else store for store in stores.destinations), *own),
        )

    def _note(self, made: MadeWork) -> None:
        if made.layer is None:
            return
        if not made.known:
            self.assembly.made[made.layer.digest] = made.layer.size
        elif made.layer.digest not in self.assembly.made:
            self._known.add(made.work.key)

    def has_ended(self, target: Target) -> bool:
        """Return whether it is known what became of a target."""
        with self._lock:
            return target.name in self._results

    def end(self, target: Target, error: Error | None) -> None:
        """Note that a target has failed, or was given up where there is no error of its own."""
        if self.has_ended(target):
            return
        self.tell(
            TargetResult(
                name=target.name,
                image=target.reference.familiar,
                outcome=Outcome.CANCELLED if error is None else Outcome.FAILED,
                source=target.source,
                error=error,
            )
        )

    def tell(self, result: TargetResult) -> None:
        """Note what became of a target; what is said first counts."""
        with self._lock:
            if result.name in self._results:
                return
            self._results[result.name] = result
        self._done(result)
        if self._fail_fast and result.outcome is Outcome.FAILED:
            self.stop.set()
