"""bake_on_cluster: layers and images made by the workers of a Dask scheduler.

    client:  solves, and says which layers there are ──> scheduler ──> workers: one task a layer, one an image
    workers: package ──> layer ──> layer repository <── image ──> its registry

The key of a task holds the key of its layer, so that the scheduler merges equal work, whoever asks for it. Nothing of a
layer comes to the client. What is sent to workers has no credentials in it: theirs are in their own configuration. What
needs files or keys of the user is done on this machine; see `here`.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.baking.cluster.here import Here, is_local, needs_this_machine
from conda_docker.baking.cluster.layer_done import LayerDone
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
from conda_docker.baking.cluster.tasks import ImageTask, LayerTask, TaskFailed, make_image, make_layer
from conda_docker.baking.cluster.waiting import told_while_waiting
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.works import LayerWork, distinct_packages, largest_first
from conda_docker.baking.planned import Planned
from conda_docker.baking.result import BakeResult, Outcome, TargetResult
from conda_docker.baking.running import Bake, Done
from conda_docker.baking.targets.target import Target
from conda_docker.errors import InvalidTargets
from python_docker.errors import Error
from python_docker.progress import Progress

if TYPE_CHECKING:
    from conda_docker.baking.limits import Limits
    from conda_docker.baking.since import Earlier

_log = logging.getLogger("conda_docker")


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

    Raises `InvalidTargets` for what a cluster cannot do, `MissingExtra` without Dask, `ConnectionFailed` where
    there is no scheduler, `NotFound` where there is no such file of one.
    """
    if limits.disk is not None:
        raise InvalidTargets(
            "--disk bounds the cache of this machine, and on a cluster layers are made in those of the workers: "
            "`conda-docker cache prune` bounds each"
        )
    for target in targets:
        check_for_cluster(target)
    import_distributed()
    with Bake(targets, limits, fail_fast=fail_fast, since=since, progress=progress, done=done) as running:
        client = connect(scheduler)  # before the solving: an address that is wrong is said at once
        try:
            planned = running.plan()
            cluster = _Cluster(running, progress)
            with Here(running, cluster.tell) as here:
                for attempt in range(RETRIES + 1):
                    try:
                        cluster.run(client, planned, here)
                        break
                    except SchedulerLost:
                        if attempt == RETRIES:
                            raise
                        _log.warning("the Dask scheduler %s has gone; waiting for it to come back", scheduler)
                        client = reconnect(client, scheduler)
                here.wait()
                cluster.hear(here.layers)
        finally:
            client.close()
        running.end_all()
        return cluster.counted(running.result())


def check_for_cluster(target: Target) -> None:
    """Raise `InvalidTargets` for a target that cannot be built on a cluster."""
    if not target.request.options.cache_to:
        raise InvalidTargets(
            f"{target.name}: on a cluster, workers hand layers to each other through a layer repository: name one with "
            "--cache-to"
        )
    local = next((place for place in target.outputs if place.transport != "docker"), None)
    if local is not None:
        raise InvalidTargets(
            f"{target.name}: workers write to registries, and not to {local}, which is on this machine: use --push, "
            "and `conda-docker copy` for what is wanted here"
        )
    if target.reuse_replaced:
        raise InvalidTargets(
            f"{target.name}: on a cluster, layers are looked up in the layer repository of --cache-to, and not in "
            "images that are replaced: leave --cache-image out"
        )


Key = tuple[str, str]
"""The key of a task. The dashboard groups tasks by its first part, and shows the whole of one."""


def layer_key(work: LayerWork) -> Key:
    """Return the key of the task that makes a layer: the same for the same layer, whoever asks for it."""
    first = work.members[0]
    more = f"-and-{len(work.members) - 1}-more" if len(work.members) > 1 else ""
    return "layer", f"{first.name}-{first.version}{more}-{work.key[:16]}"


def image_key(task: ImageTask) -> Key:
    """Return the key of the task of an image."""
    return "image" if task.whole else "layers of image", f"{task.target.name}-{task.digest[:16]}"


class _Cluster:
    """One bake on a cluster; what is known of its layers outlives a scheduler."""

    def __init__(self, running: Bake, progress: Progress) -> None:
        self._running = running
        self._progress = progress
        self._layers: dict[str, LayerDone] = {}
        self._lock = threading.Lock()
        self._packages = 0
        self._bake = uuid.uuid4().hex

    def run(self, client: Client, planned: Sequence[Planned], here: Here) -> None:
        """Have what is left of some targets built. Raises `SchedulerLost`."""
        left = [each for each in planned if not self._running.has_ended(each.target)]
        works = largest_first(work for each in left for work in each.works)
        self._packages = max(self._packages, distinct_packages(works))
        holders = {work.key: each.target for each in left for work in each.works}
        futures: dict[str, Future] = {}
        images: dict[Key, Planned] = {}
        waiting: list[Future] = []
        try:
            for number, work in enumerate(works):
                target = holders[work.key]
                if is_local(work):
                    here.make([work], target.request.options)
                    continue
                task = LayerTask.of(work, target, self._bake)
                future = client.submit(
                    make_layer, task, key=layer_key(work), priority=-number, retries=RETRIES, pure=True
                )
                futures[work.key] = future
            for each in left:
                whole = not needs_this_machine(each.target)
                task_of_image = ImageTask.of(each.target, each.resolved, each.inputs, whole=whole)
                future = client.submit(
                    make_image,
                    task_of_image,
                    [futures[work.key] for work in each.works if work.key in futures],
                    key=image_key(task_of_image),
                    priority=len(works),
                    retries=RETRIES,
                    pure=True,
                )
                images[future.key] = each
                waiting.append(future)
            with told_while_waiting(client) as told:
                for batch in as_completed([*futures.values(), *waiting]):
                    self._running.stop.check()
                    told.heard()
                    self._note(client, [future for future in batch if future.key not in images])
                    for future in batch:
                        if future.key in images:
                            self._end(images[future.key], future, here)
        except CancelledError:
            client.cancel(waiting)
        except BaseException:
            client.cancel([*waiting, *futures.values()])
            raise

    def hear(self, layers: Sequence[LayerDone]) -> None:
        """Note layers that are there."""
        with self._lock:
            self._layers |= {layer.key: layer for layer in layers}

    def tell(self, result: TargetResult) -> None:
        """Note what became of a target, with which of its layers this bake has made."""
        with self._lock:
            made = {layer.digest for layer in self._layers.values() if not layer.known}
        layers = tuple(replace(layer, known=layer.digest not in made) for layer in result.layers)
        self._running.tell(replace(result, layers=layers))

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

    def _end(self, each: Planned, future: Future, here: Here) -> None:
        if future.status in ("cancelled", "lost"):
            raise SchedulerLost("the Dask scheduler has gone, with what it knew of this bake")
        error = future.exception() if future.status == "error" else None
        if error is not None:
            self._running.end(each.target, _explained(error))
            return
        try:
            found = future.result()
        except (CancelledError, OSError) as gone:
            raise SchedulerLost("the Dask scheduler has gone, with what it knew of this bake") from gone
        if isinstance(found, Failure):
            self._running.end(each.target, found.error())
        elif found is None:
            here.finish(each)
        else:
            assert isinstance(found, TargetResult)
            task = self._progress.start(f"image {each.target.name}", None)
            task.finish(str(Outcome.BUILT))
            self.tell(found)

    def _note(self, client: Client, ended: Sequence[Future]) -> None:
        """Hear of layers whose tasks have ended: of all that are there."""
        finished = [future for future in ended if future.status == "finished"]
        if not finished:
            return
        try:
            found = client.gather(finished, errors="skip")
        except Exception:  # the scheduler has gone in this moment, which the tasks of images tell
            return
        for layer in found:
            assert isinstance(layer, LayerDone)
            self._know(replace(layer, entry=None))  # which images alone need

    def _know(self, layer: LayerDone) -> None:
        """Note one layer that is there, and show that."""
        if layer.bake != self._bake:
            layer = replace(layer, known=True)  # another bake has made it, a moment ago perhaps
        with self._lock:
            # One that a lost worker made is known when it is asked for again.
            layer = self._layers.setdefault(layer.key, layer)
        task = self._progress.start(f"layer {layer.name}", None)
        task.finish("known" if layer.known else f"made by {layer.worker}")


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
