"""bake_on_cluster: layers and images made by the workers of a Dask scheduler.

    client:  solves, and says which layers there are ──> scheduler ──> workers: one task a layer, one an image
    workers: package ──> layer ──> layer repository <── image ──> its registry

The key of a task holds the key of its layer, so that the scheduler merges equal work, whoever asks for it. Nothing of a
layer comes to the client. What is sent to workers has no credentials in it: theirs are in their own configuration.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.baking.cluster.scheduler import (
    RETRIES,
    Client,
    Future,
    SchedulerLost,
    as_completed,
    connect,
    import_distributed,
    reconnect,
)
from conda_docker.baking.cluster.tasks import ImageTask, LayerDone, LayerTask, TaskFailed, make_image, make_layer
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.works import LayerWork, distinct_packages, largest_first
from conda_docker.baking.planned import Planned
from conda_docker.baking.result import BakeResult, Outcome, TargetResult
from conda_docker.baking.running import Bake, Done
from conda_docker.baking.targets.target import InvalidTargets, Target
from python_docker.errors import Error
from python_docker.progress import Progress

if TYPE_CHECKING:
    from conda_docker.baking.limits import Limits
    from conda_docker.baking.since import Earlier


def bake_on_cluster(
    targets: Sequence[Target],
    scheduler: str,
    limits: Limits,
    *,
    fail_fast: bool,
    since: Mapping[str, Earlier],
    progress: Progress,
    done: Done,
) -> BakeResult:
    """Build the images of targets on a cluster; see `bake`. Environments are solved on this machine.

    A task that meets an error that may pass is tried again, on another worker perhaps; so is all that a lost worker, or
    a restarted scheduler, was at: layers that are in the repository are not made again.

    Raises `InvalidTargets` for targets that need this machine, `MissingExtra` without Dask, `ConnectionFailed` where
    there is no scheduler.
    """
    for target in targets:
        check_for_cluster(target)
    import_distributed()
    with Bake(targets, limits, fail_fast=fail_fast, since=since, progress=progress, done=done) as running:
        client = connect(scheduler)  # before the solving: an address that is wrong is said at once
        try:
            planned = running.plan()
            cluster = _Cluster(running, progress)
            for attempt in range(RETRIES + 1):
                try:
                    cluster.run(client, planned)
                    break
                except SchedulerLost:
                    if attempt == RETRIES:
                        raise
                    client = reconnect(client, scheduler)
        finally:
            client.close()
        running.end_all()
        return cluster.counted(running.result())


def check_for_cluster(target: Target) -> None:
    """Raise `InvalidTargets` for a target that a worker on another machine cannot build."""
    request, options = target.request, target.request.options
    if not options.cache_to:
        raise InvalidTargets(
            f"{target.name}: on a cluster, workers hand layers to each other through a layer repository: name one with "
            "--cache-to"
        )
    local = next((place for place in target.outputs if place.transport != "docker"), None)
    if local is not None:
        raise InvalidTargets(f"{target.name}: workers write to registries, and not to {local}: use --push")
    parts = {
        "files to add": bool(options.add),
        "an environment of this machine": request.name is not None or request.prefix is not None,
        "a project of this machine": bool(request.projects),
        "bills of materials, provenance or signatures": target.finishing is not None,
    }
    if wanted := [what for what, given in parts.items() if given]:
        raise InvalidTargets(f"{target.name}: workers cannot have {' and '.join(wanted)}; build it without --scheduler")


def task_key(work: LayerWork) -> str:
    """Return the key of the task that makes a layer: what the dashboard shows, and the scheduler tells tasks by."""
    first = work.members[0]
    more = f"-and-{len(work.members) - 1}-more" if len(work.members) > 1 else ""
    return f"layer-{first.name}-{first.version}{more}-{work.key[:16]}"


class _Cluster:
    """One bake on a cluster; what is known of its layers outlives a scheduler."""

    def __init__(self, running: Bake, progress: Progress) -> None:
        self._running = running
        self._progress = progress
        self._layers: dict[str, LayerDone] = {}
        self._lock = threading.Lock()
        self._packages = 0
        self._bake = uuid.uuid4().hex

    def run(self, client: Client, planned: Sequence[Planned]) -> None:
        """Have what is left of some targets built. Raises `SchedulerLost`."""
        left = [each for each in planned if not self._running.has_ended(each.target)]
        works = largest_first(work for each in left for work in each.works)
        self._packages = max(self._packages, distinct_packages(works))
        options = {work.key: each for each in left for work in each.works}
        futures: dict[str, Future] = {}
        images: dict[str, Planned] = {}
        waiting: list[Future] = []
        try:
            for number, work in enumerate(works):
                task = LayerTask.of(work, options[work.key].target, self._bake)
                future = client.submit(
                    make_layer, task, key=task_key(work), priority=-number, retries=RETRIES, pure=True
                )
                future.add_done_callback(self._note)
                futures[work.key] = future
            for each in left:
                task_of_image = ImageTask.of(each.target, each.resolved, each.inputs)
                future = client.submit(
                    make_image,
                    task_of_image,
                    [futures[work.key] for work in each.works],
                    key=f"image-{each.target.name}-{task_of_image.digest[:16]}",
                    priority=len(works),
                    retries=RETRIES,
                    pure=True,
                )
                images[future.key] = each
                waiting.append(future)
            for future in as_completed(waiting):
                self._running.stop.check()
                self._end(images[future.key], future)
        except CancelledError:
            client.cancel(waiting)
        except BaseException:
            client.cancel([*waiting, *futures.values()])
            raise

    def counted(self, result: BakeResult) -> BakeResult:
        """Return the result with what workers did in it."""
        made = [layer for layer in self._layers.values() if not layer.known and layer.digest]
        return replace(
            result,
            packages=self._packages,
            made=len(made),
            known=sum(layer.known for layer in self._layers.values()),
            made_bytes=sum(layer.size for layer in made),
        )

    def _end(self, each: Planned, future: Future) -> None:
        if future.status in ("cancelled", "lost"):
            raise SchedulerLost("the Dask scheduler has gone, with what it knew of this bake")
        error = future.exception() if future.status == "error" else None
        if error is not None:
            self._running.end(each.target, _explained(error))
            return
        found = future.result()
        if isinstance(found, Failure):
            self._running.end(each.target, found.error())
            return
        assert isinstance(found, TargetResult)
        with self._lock:
            made = {layer.digest for layer in self._layers.values() if not layer.known}
        layers = tuple(replace(layer, known=layer.digest not in made) for layer in found.layers)
        task = self._progress.start(f"image {each.target.name}", None)
        task.finish(str(Outcome.BUILT))
        self._running.tell(replace(found, layers=layers))

    def _note(self, future: Future) -> None:
        """Hear of a layer that is there; this is on a thread of Dask's."""
        if future.status != "finished":
            return
        try:
            found = future.result()
        except Exception:  # the scheduler has gone in this moment
            return
        if not isinstance(found, LayerDone):
            return
        if found.bake != self._bake:
            found = replace(found, known=True)  # another bake has made it, a moment ago perhaps
        with self._lock:
            # One that a lost worker made is known when it is asked for again.
            known = self._layers.get(found.key)
            self._layers[found.key] = found if known is None else known
        try:
            task = self._progress.start(f"layer {found.name}", None)
            task.finish("known" if found.known else f"made by {found.worker}")
        except KeyboardInterrupt:
            self._running.stop.set()


def _explained(error: BaseException) -> Error:
    """Return an error of a task as one of this project's."""
    if isinstance(error, TaskFailed):
        return error.failure.error()
    name = type(error).__name__
    if isinstance(error, ImportError):
        return Error(f"a worker lacks what this program needs ({error}); see --print-dask-worker")
    if name == "KilledWorker":
        return Error(
            f"workers died again and again at this image or one of its layers: {error}; they may have run out of memory"
        )
    return Error(f"a worker met an unexpected {name}: {error}")
