"""bake: many targets at once; what they have in common is solved for, downloaded, made and sent once.

targets ──solve_all──> solutions ──works_of──> distinct layers ──make_works──> layers, the largest first
                                                                                 │ as soon as those of an image
                                                                                 v are there
                                                                              Assembly ──> images at their places
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.baking.limits import Limits
from conda_docker.baking.local import bake_here
from conda_docker.baking.result import BakeResult
from conda_docker.baking.running import Bake, Done
from conda_docker.baking.targets.target import Target, check_targets
from python_docker.argument_types import check_callable, check_method, check_optional, check_type
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.baking.since import Earlier


def bake(
    targets: Iterable[Target],
    *,
    jobs: int | None = None,
    memory: int | None = None,
    disk: int | None = None,
    fail_fast: bool = False,
    since: Mapping[str, Earlier] | None = None,
    scheduler: str | None = None,
    progress: Progress = SILENT,
    done: Done = lambda result: None,
) -> BakeResult:
    """Build the images of all targets, and return what became of each.

    Environments are solved side by side, in up to `jobs` processes (None: one for each processor) that read each index
    once. Every distinct package is downloaded once and made into a layer once, up to `jobs` at a time, whatever number
    of images holds it; an image is written as soon as its layers are there. The processes and buffers take no more than
    `memory` bytes together, as far as one of each takes less. The packages and layers that the bake adds to the cache
    take about `disk` bytes at most: what no image needs any more is removed, and an image that takes more fails.

    A target that fails does not stop the others, unless `fail_fast` says so; `raise_for_failures` of the result raises
    for all of them. `since` is what an earlier bake wrote (`read_since`): images that would be the same are left alone.
    `scheduler` is the address of a Dask scheduler whose workers make layers and images, or `config` for the one that
    Dask's configuration names; it needs the extra `dask`, and `cache_to` in the options of each request. `done` hears
    of each target as it ends.

    Raises `InvalidTargets` for targets that would be written to one place; `CacheError` where the cache cannot be
    written; `KeyboardInterrupt` leaves nothing half-written.

        targets = find_targets("modules", image="ghcr.io/org/{name}:{tag}", base="debian:stable-slim", push=True)
        bake(targets, jobs=4).raise_for_failures()
    """
    if not isinstance(targets, Iterable) or isinstance(targets, str):
        check_type("targets", targets, Sequence, "find_targets() gives them")
    check_type("fail_fast", fail_fast, bool)
    check_optional("since", since, Mapping)
    check_optional("scheduler", scheduler, str)
    check_method("progress", progress, "start")
    check_callable("done", done)
    targets = list(targets)
    for target in targets:
        check_type("each of targets", target, Target, "find_targets() gives them")
    check_targets(targets)
    limits = Limits(os.cpu_count() or 1 if jobs is None else jobs, memory, disk)
    if scheduler is not None:
        from conda_docker.baking.cluster.cluster import bake_on_cluster

        return bake_on_cluster(
            targets,
            scheduler,
            limits,
            fail_fast=fail_fast,
            since=since or {},
            progress=progress,
            done=done,
        )
    with Bake(targets, limits, fail_fast=fail_fast, since=since, progress=progress, done=done) as running:
        bake_here(running)
    return running.result()
