"""Seconds of a solve, and of an image by facts alone, in a process that has done both before.

`solve_and_facts.py TIMES CACHE CHANNEL SPEC...` prints the median of several, of both together.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from conda_docker.build_options import BuildOptions
from conda_docker.image.assemble import build_image
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from python_docker.spec.platform import Platform


def main(times: int, cache: str, channel: str, specs: list[str]) -> None:
    options = BuildOptions(cache_dir=Path(cache))
    request = Request(
        specs=specs,
        base="scratch",
        channels=channel,
        override_channels=True,
        platforms=(Platform("linux", "amd64"),),
        options=options,
    )
    taken = []
    for _ in range(times + 1):
        started = time.perf_counter()
        [resolved] = resolve(request)
        build_image(resolved.environment, None, options, stores=LayerStores.of(options, facts_alone=True))
        taken.append(time.perf_counter() - started)
    print(statistics.median(taken[1:]))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
    sys.stdout.flush()
    os._exit(0)
