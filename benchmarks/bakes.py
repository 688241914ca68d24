"""Many images at once: 200 environments over a channel of 1,000 packages, at once, one by one, and on a cluster.

Sizes of packages are spread as real ones are, and scaled down to what a small machine bears; who needs whom
is drawn so that a few packages are in most environments. What is counted is requests for packages.
"""

from __future__ import annotations

import json
import random
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.generator import corpus, cut
from benchmarks.ours import TOOL
from benchmarks.work import Commands, Session, Work, remove
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
_MEDIAN, _SIGMA, _LARGEST = 25_000, 2.0, 12_000_000  # bytes of a package's one large file
_FORMAT = 1


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
            return [command]

        return Work(name=name, tool=TOOL, prepare=prepare, finish=lambda first: _asked(server), ours=AT_ONCE)

    yield work(AT_ONCE, bake, cold=True)
    yield work(KNOWN, bake, cold=False)
    yield work(ONE_BY_ONE, one_by_one, cold=True)


def _asked(server: ChannelServer) -> Mapping[str, Any]:
    """Return how many packages were asked for, each of which must have been asked for once."""
    asked = Counter(path for method, path in server.requests if method == "GET" and path.endswith(".conda"))
    assert set(asked.values()) <= {1}, "a package was downloaded twice"
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
        cluster = Cluster(folder, {**session.env, "PYTHONDONTWRITEBYTECODE": ""})
        cluster.start(workers)
        running.append(cluster)
        server.requests.clear()
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


def of_workers(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the workers of a cluster did, and how that compares with one worker: theirs is the same work.

    What a worker takes to start, whatever there is to do, is told apart.
    """
    one: float | None = None
    for number in WORKERS:
        row = next((row for row in rows if row["work"] == on_workers(number) and "work_of_workers" in row), None)
        if row is None:
            continue
        work = row["work_of_workers"] + row["scheduling"]
        one = work if number == 1 else one
        compared = "" if one is None else f", {work / one:.2f} of one worker's"
        yield (
            f"{number} worker{'s' if number > 1 else ''}: {work:.1f} s of processor time{compared}, and "
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
    size = min(int(_MEDIAN * chance.lognormvariate(0, _SIGMA)), _LARGEST)
    name = f"pkg-{number:04}"
    SyntheticPackage(
        name=name,
        depends=[f"pkg-{each:04}" for each in needs],
        files={
            f"lib/lib{name}.so": File(cut(corpus().code, size, chance), mode=0o755),
            **{f"share/{name}/{each}": cut(corpus().text, 2_000, chance) for each in range(chance.randrange(12))},
        },
    ).write(folder / "linux-64")


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
