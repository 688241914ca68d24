"""Bakes a folder on a Dask cluster, and writes what its workers did: how long they worked and waited, and the digests.

What each worker takes whatever there is to do, its start and its imports, is told apart from the work.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from distributed import Client

from conda_docker import BuildOptions, bake, find_targets
from conda_docker.arguments.layer_repository import LayerRepository

_MODULES = (
    "conda_docker.baking.assembly",
    "conda_docker.baking.cluster.kept_stores",
    "conda_docker.baking.cluster.tasks",
    "conda_docker.baking.layers.making",
    "conda_docker.cache.pushed",
    "conda_docker.cache.upkeep",
    "conda_docker.channels.credentials",
    "conda_docker.channels.proxies",
    "conda_docker.channels.rattler_client",
    "conda_docker.image.base.opening",
    "conda_docker.image.plan",
    "conda_docker.layers.making.once",
    "conda_docker.layers.making.write",
    "conda_docker.layers.stores.repository",
    "conda_docker.link.link",
    "conda_docker.package.fetch.download",
    "conda_docker.package.fetch.fetch",
    "conda_docker.pypi.local_files",
    "conda_docker.resolution.resolve",
    "python_docker.registry.refusal",
    "python_docker.registry.upload.blob",
)
"""What the first tasks of a worker import."""


def processor_time() -> float:
    """Return the processor seconds of this process, and of those that it has waited for."""
    return sum(os.times()[:4])


def begin() -> None:
    """Import what tasks need."""
    for name in _MODULES:
        importlib.import_module(name)


def at_work(spans: Iterable[tuple[float, float]]) -> float:
    """Return the seconds in which at least one task was under way, of tasks with their starts and ends."""
    seconds, until = 0.0, 0.0
    for start, stop in sorted(spans):
        seconds += max(0.0, stop - max(start, until))
        until = max(until, stop)
    return seconds


def main(address: str, workers: str, modules: str, registry: str, folder: str) -> None:
    """Bake once, and write `report.json` into the folder."""
    watcher = cast("Any", Client)(address)
    watcher.wait_for_workers(int(workers), timeout=60)
    watcher.run(begin)
    started_with = sum(watcher.run(processor_time).values())
    scheduled_with = watcher.run_on_scheduler(processor_time)
    watcher.get_task_stream()  # from now on
    targets = find_targets(
        modules,
        base="scratch",
        image=f"{registry}/bake/{{name}}:{{tag}}",
        push=True,
        options=BuildOptions(cache_dir=Path(folder) / "cache", cache_to=[LayerRepository(f"{registry}/bake-layers")]),
    )
    started = time.monotonic()
    result = bake(targets, scheduler=address)
    result.raise_for_failures()
    wall = time.monotonic() - started
    work = sum(watcher.run(processor_time).values()) - started_with
    scheduling = watcher.run_on_scheduler(processor_time) - scheduled_with
    tasks = watcher.get_task_stream(count=1_000_000)
    spans = [
        (task["worker"], part["start"], part["stop"])
        for task in tasks
        for part in task["startstops"]
        if part["action"] == "compute"
    ]
    busy = sum(
        at_work([(start, stop) for name, start, stop in spans if name == worker])
        for worker in {each[0] for each in spans}
    )
    span = max(stop for *_, stop in spans) - min(start for _, start, _ in spans)
    digests = hashlib.sha256(json.dumps(sorted(result.digests.items())).encode()).hexdigest()
    report = {
        "digests": digests,
        "layers": result.made,
        "images": len(result.targets),
        "tasks": len(spans),
        "idle": round(1 - busy / (span * int(workers)), 4),
        "span": round(span, 3),
        "wall_of_bake": round(wall, 3),
        "start_of_worker": round(started_with / int(workers), 3),
        "work_of_workers": round(work, 3),
        "scheduling": round(scheduling, 3),
    }
    Path(folder, "report.json").write_text(json.dumps(report))
    watcher.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
