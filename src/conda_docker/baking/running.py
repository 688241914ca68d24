"""Bake: one bake, here or on a cluster: its targets, what they are made of, and what became of each; see `bake`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from conda_docker.baking.assembly import Assembly
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.works import distinct_packages, plan_of, works_of
from conda_docker.baking.planned import Planned, platform_name
from conda_docker.baking.result import BakeResult, Outcome, TargetResult
from conda_docker.baking.since import Earlier, inputs_digest, places_digest
from conda_docker.baking.solving.pool import solve_all
from conda_docker.baking.solving.solution import open_solution
from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.location import default_cache_dir
from python_docker.errors import Error
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.baking.layers.making import MadeWork
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.baking.limits import Limits
    from conda_docker.baking.targets.target import Target
    from conda_docker.layers.stores.replaced import ReplacedImages

Done = Callable[[TargetResult], object]


class Bake:
    """One bake. A context manager: left early, it stops all that is under way."""

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
        earlier = self.earlier(each.target)
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

    def note(self, made: MadeWork) -> None:
        """Count a layer that is there, as made or as known."""
        if made.layer is None:
            return
        if not made.known:
            self.assembly.made[made.layer.digest] = made.layer.size
        elif made.layer.digest not in self.assembly.made:
            self._known.add(made.work.key)

    def count_packages(self, works: Iterable[LayerWork]) -> None:
        """Count the packages in layers that no other layers of the bake have."""
        self._packages += distinct_packages(list(works))

    def earlier(self, target: Target) -> Earlier | None:
        """Return what an earlier bake said of a target."""
        return self._since.get(target.name)

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


def interrupted_result(targets: Sequence[Target], ended: Iterable[TargetResult], seconds: float) -> BakeResult:
    """Return what became of all `targets` of a bake that was interrupted after some `seconds`: some had `ended`."""
    known = {result.name: result for result in ended}
    layers = {layer.digest: layer for result in known.values() for layer in result.layers}
    made = [layer for layer in layers.values() if not layer.known]
    return BakeResult(
        targets=tuple(
            known.get(target.name)
            or TargetResult(
                name=target.name,
                image=target.reference.familiar,
                outcome=Outcome.INTERRUPTED,
                source=target.source,
            )
            for target in targets
        ),
        packages=len({stem for layer in layers.values() for stem in layer.packages}),
        made=len(made),
        known=len(layers) - len(made),
        made_bytes=sum(layer.size for layer in made),
        seconds=seconds,
    )
