"""Bakes a folder on a Dask cluster, and writes what its workers did: how long they waited, and the digests."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any, cast

from distributed import Client

from conda_docker import BuildOptions, bake, find_targets
from conda_docker.build_options import LayerRepository


def main(address: str, workers: str, modules: str, registry: str, folder: str) -> None:
    """Bake once, and write `report.json` into the folder."""
    watcher = cast("Any", Client)(address)
    watcher.wait_for_workers(int(workers), timeout=60)
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
    tasks = watcher.get_task_stream(count=1_000_000)
    spans = [
        (part["start"], part["stop"]) for task in tasks for part in task["startstops"] if part["action"] == "compute"
    ]
    busy = sum(stop - start for start, stop in spans)
    span = max(stop for _, stop in spans) - min(start for start, _ in spans)
    digests = hashlib.sha256(json.dumps(sorted(result.digests.items())).encode()).hexdigest()
    report = {
        "digests": digests,
        "layers": result.made,
        "images": len(result.targets),
        "tasks": len(spans),
        "idle": round(1 - busy / (span * int(workers)), 4),
        "span": round(span, 3),
        "wall_of_bake": round(wall, 3),
    }
    Path(folder, "report.json").write_text(json.dumps(report))
    watcher.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
