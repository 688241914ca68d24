"""Many images at once: 200 environments over a channel of 1,000 packages, at once, one by one, and on a cluster.

Sizes of packages are those of real ones; who needs whom is drawn so that a few packages are in most environments.
What is counted is requests for packages.
"""

from __future__ import annotations

import json
import math
import random
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.generator import corpus, cut
from benchmarks.ours import TOOL
from benchmarks.work import Commands, Session, Work, remove
from conda_docker.baking.cluster.worker_command import THREADS
from tests.conda_docker.baking.cluster.dask_processes import Cluster
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.peers.availability import missing
from tests.peers.registry import Registry, start_registry

AT_ONCE = "all images at once, cold"
KNOWN = "all images at once, layers known"
ONE_BY_ONE = "one by one, with one cache"
WORKERS = (1, 2, 4)
_PROGRAM = Path(__file__).parent / "programs" / "bake_on_dask.py"
_SIZES = (
    *((0.0, 2_600), (0.1, 18_100), (0.25, 53_400), (0.5, 209_000), (0.75, 841_000), (0.9, 3_840_000)),
    *((0.92, 5_850_000), (0.94, 11_800_000), (0.97, 16_100_000), (0.98, 25_300_000), (0.99, 45_500_000)),
    (1.0, 66_100_000),
)
"""Shares of packages, and the bytes of archives that they do not exceed: of the 793 packages of conda-forge and others
whose sizes are in the pixi.lock files of ibis-project/ibis, prefix-dev/pixi (examples) and Quantco/pixi-pack."""
_COMPRESSION = 3.2
"""How much larger files are than their archive, of those of this machine that packages are cut from."""
_FILE, _SPREAD = 9_000, 1.5  # median in bytes and sigma of small files: 28 kB on average
_LIBRARY = 0.5  # of a package's bytes, in its one large file
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is: packages in the channel, and environments of a few tools each."""

    packages: int
    environments: int


FULL, QUICK = Scale(1_000, 200), Scale(100, 20)


def on_workers(number: int) -> str:
    """Return the name of the work that so many workers do."""
    return f"all images at once on {number} Dask worker{'s' if number > 1 else ''}, cold"


@contextmanager
def bakes(session: Session, scale: Scale) -> Iterator[list[Work]]:
    """The works, with a channel's server, and a registry for those on a cluster, for as long as the block runs."""
    channel = _channel(scale, session.kept / f"bake-{scale.packages}-{_FORMAT}")
    server = ChannelServer(channel).start()
    modules = session.place("modules")
    _write_environments(modules, server.url, scale)
    registry = start_registry(session.place("registry-bake")) if missing("docker-registry") is None else None
    try:
        works = [*_local(session, server, modules)]
        if registry is not None:
            works += [_clustered(session, server, modules, registry, number) for number in WORKERS]
        yield works
    finally:
        server.stop()
        if registry is not None:
            registry.stop()


def _local(session: Session, server: ChannelServer, modules: Path) -> Iterator[Work]:
    cache, home, out = session.place("cache-bake"), session.place("home-bake"), session.place("out-bake")
    options = ["-b", "scratch", "--cache-dir", str(cache), "--quiet"]
    bake = ["env", f"HOME={home}", *session.program, "bake", str(modules), "-o", str(out), *options]
    builds = " && ".join(
        shlex.join(
            [*session.program, "build", "-f", str(path), "-o", f"oci:{out / path.parent.name}", "-i", "x", *options]
        )
        for path in sorted(modules.glob("*/environment.yml"))
    )
    one_by_one = ["env", f"HOME={home}", "sh", "-c", builds]

    def work(name: str, command: list[str], *, cold: bool) -> Work:
        def prepare(first: bool) -> Commands:
            remove(out)
            if cold:
                remove(cache, home)
            home.mkdir(exist_ok=True)
            server.requests.clear()
            server.parts.clear()
            return [command]

        return Work(name=name, tool=TOOL, prepare=prepare, finish=lambda first: _asked(server), ours=AT_ONCE)

    yield work(AT_ONCE, bake, cold=True)
    yield work(KNOWN, bake, cold=False)
    yield work(ONE_BY_ONE, one_by_one, cold=True)


def _asked(server: ChannelServer) -> Mapping[str, Any]:
    """Return how many packages were asked for, each of which must have come once: a large one in two parts.

    Of these, the end comes first, so that the rest can be read while it comes.
    """
    asked = Counter(path for method, path in server.requests if method == "GET" and path.endswith(".conda"))
    parts = Counter(server.parts)
    assert all(number == (2 if path in parts else 1) for path, number in asked.items()), "a package came twice"
    return {"packages_asked": len(asked)}


def _clustered(session: Session, server: ChannelServer, modules: Path, registry: Registry, workers: int) -> Work:
    folder, client = session.place("cluster"), session.place("client-bake")
    running: list[Cluster] = []

    def prepare(first: bool) -> Commands:
        remove(folder, client)
        remove(registry.storage)
        registry.storage.mkdir()
        folder.mkdir()
        # Else each worker would compile all that it imports.
        cluster = Cluster(folder, {**session.env, "PYTHONDONTWRITEBYTECODE": ""}, threads=THREADS)
        cluster.start(workers)
        running.append(cluster)
        server.requests.clear()
        server.parts.clear()
        client.mkdir()
        command = [
            sys.executable,
            str(_PROGRAM),
            cluster.address,
            str(workers),
            str(modules),
            registry.host,
            str(client),
        ]
        return [command]

    def finish(first: bool) -> Mapping[str, Any]:
        used = sum(cluster.cpu() for cluster in running)
        for cluster in running:
            cluster.stop()
        running.clear()
        report = client / "report.json"
        found = json.loads(report.read_text()) if report.is_file() else {}  # none of one that failed
        return {**_asked(server), **found, "workers_cpu": used}

    return Work(name=on_workers(workers), tool=TOOL, prepare=prepare, finish=finish, ours=AT_ONCE)


def work_of(row: Mapping[str, Any]) -> float:
    """Return the processor seconds that workers and their scheduler took in a bake, apart from their start."""
    work: float = row["work_of_workers"] + row["scheduling"]
    return work


def ratios_of_work(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Yield each bake on workers with its work as a multiple of one worker's."""
    found = [
        row for number in WORKERS for row in rows if row["work"] == on_workers(number) and "work_of_workers" in row
    ]
    if found and found[0]["work"] == on_workers(1):
        yield from ((row, work_of(row) / work_of(found[0])) for row in found)


def of_workers(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the workers of a cluster did, and how that compares with one worker: theirs is the same work.

    What a worker takes to start, whatever there is to do, is told apart.
    """
    for row, ratio in ratios_of_work(rows):
        yield (
            f"{row['work']}: {work_of(row):.1f} s of processor time, {ratio:.2f} of one worker's, and "
            f"{row['start_of_worker']:.2f} s to start each; idle for {100 * row['idle']:.0f} %; "
            f"{row['span']:.1f} s from the first task to the last"
        )


def _channel(scale: Scale, folder: Path) -> Path:
    """Return a channel of packages, made by a seed and kept."""
    if folder.is_dir():
        return folder
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    channel = SyntheticChannel(partial)
    needs = _needs(scale.packages)
    with ProcessPoolExecutor() as pool:
        list(pool.map(_write, range(scale.packages), needs, [partial] * scale.packages, chunksize=20))
    channel.index(all_forms=True)
    partial.replace(folder)
    return folder


def _needs(packages: int) -> list[tuple[int, ...]]:
    """Return what each package needs: the earlier ones, the more others need them the more probably."""
    chance = random.Random(packages)
    needs: list[tuple[int, ...]] = []
    popular = [0]
    for number in range(packages):
        wanted = chance.choice((0, 1, 2, 2, 3, 4)) if number else 0
        chosen = {chance.choice(popular) for _ in range(wanted)}
        needs.append(tuple(sorted(chosen - {number})))
        popular += [*chosen, number]
    return needs


def _write(number: int, needs: tuple[int, ...], folder: Path) -> None:
    chance = random.Random(f"package-{number}")
    name = f"pkg-{number:04}"
    left = int(_archive_size(chance.random()) * _COMPRESSION)
    library = int(left * _LIBRARY)
    files = {f"lib/lib{name}.so": File(cut(corpus().code, library, chance), mode=0o755)}
    left -= library
    while left > 0:
        size = min(int(_FILE * chance.lognormvariate(0, _SPREAD)) + 1, left)
        source = chance.choice((corpus().code, corpus().text))
        files[f"share/{name}/{len(files) // 50}/{len(files)}"] = File(cut(source, size, chance))
        left -= size
    depends = [f"pkg-{each:04}" for each in needs]
    SyntheticPackage(name=name, depends=depends, files=files).write(folder / "linux-64")


def _archive_size(share: float) -> float:
    """Return the bytes that an archive of such a share of packages does not exceed, between those that are known."""
    for (below, least), (above, most) in pairwise(_SIZES):
        if share <= above:
            return least * math.pow(most / least, (share - below) / (above - below))
    raise AssertionError(share)


def _write_environments(folder: Path, channel: str, scale: Scale) -> None:
    """Write environments in the style of nf-core's modules: one or two tools of a channel, much the same beneath."""
    remove(folder)
    chance = random.Random(scale.environments)
    for number in range(scale.environments):
        tools = chance.sample(range(scale.packages // 2, scale.packages), chance.choice((1, 1, 2, 3)))
        path = folder / f"tool-{number:03}" / "environment.yml"
        path.parent.mkdir(parents=True)
        listed = "".join(f"  - pkg-{tool:04}\n" for tool in tools)
        path.write_text(f"channels:\n  - {channel}\ndependencies:\n{listed}")
