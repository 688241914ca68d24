"""`make bench`: speed and memory of conda-docker against the floor and other tools, all in one run.

Prints a table for each group of measurements and writes them all to `benchmarks/results/`, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import bakes, environments
from benchmarks.environments import Environment, generated
from benchmarks.floors import details, floors
from benchmarks.link import DELAY, RATE
from benchmarks.network import RATES, network
from benchmarks.ours import Caches, build_command, builds, checks
from benchmarks.peers import Peers, python_docker_venv
from benchmarks.pushes import endpoint, pushes
from benchmarks.serving import serving
from benchmarks.shared import shared
from benchmarks.startup import before_layers, startup
from benchmarks.table import print_group, wall
from benchmarks.targets import targets
from benchmarks.transfer_tools import find_tool
from benchmarks.transfers import make_image, transfers
from benchmarks.wheel_builds import wheel_works
from benchmarks.wheels import make_environment
from benchmarks.work import Row, Session, Work, remove
from demo.channel import ROOT, NotHere
from tests.peers.availability import missing
from tests.peers.engine import DockerEngine, start_engine

RESULTS = Path(__file__).parent / "results"
GROUPS = ("start", "science", "wide", "wheels", "shared", "network", "serve", "bake", "growth", "transfers")
LARGE = ("large", "huge")
_IMAGE, _QUICK_IMAGE = 500_000_000, 40_000_000  # bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and one run, to try it: about a minute")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each measurement, after an untimed one")
    parser.add_argument("--large", action="store_true", help="also an environment of 5 GB and a package of 1.5 GB")
    parser.add_argument("--only", action="append", choices=(*GROUPS, *LARGE), help="these groups alone; repeatable")
    parser.add_argument("--no-peers", action="store_true", help="leave out the other tools")
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md and its plot of the results")
    parser.add_argument("--work", type=Path, help="the folder in which to work, on the file system to measure")
    options = parser.parse_args(arguments)
    chosen = options.only or [*GROUPS, *(LARGE if options.large else ())]
    console = Console(width=None if sys.stdout.isatty() else 150)
    kept = ROOT / "benchmarks"
    kept.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with _working_folder(options.work) as folder, ExitStack() as stack:
        session = Session(folder, kept, 1 if options.quick else options.runs, options.quick)
        peers = stack.enter_context(_peers(session, console, wanted=not options.no_peers))
        results: dict[str, Any] = {
            "machine": machine(),
            "versions": _versions(peers),
            "missing": peers.missing,
            "groups": [],
        }
        for name in chosen:
            for group in _measure(name, session, peers, console):
                results["groups"].append(group)
                print_group(group, console)
                _write(results)
    if options.quick:
        console.print("of small sizes, which say little of the aims:")
    for target in targets(results):
        console.print(f"{'met   ' if target.met else 'MISSED'} {target.work}: {target.found} (aim: {target.limit})")
    for tool, reason in peers.missing.items():
        console.print(f"left out: {tool}: {reason}", highlight=False)
    console.print(f"{_write(results)}, in {time.monotonic() - started:.0f} s", highlight=False)
    if options.docs:
        from benchmarks.document import write_document

        console.print(*write_document(results), sep="\n")
    return any(row["failure"] for group in results["groups"] for row in group["rows"])


@contextmanager
def _working_folder(parent: Path | None) -> Iterator[Path]:
    # On the disk where projects are: a system's folder for temporary files may be in memory.
    parent = parent or ROOT
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parent.resolve()) as folder:
        yield Path(folder)


@contextmanager
def _peers(session: Session, console: Console, *, wanted: bool) -> Iterator[Peers]:
    """The other tools, with an engine of their own where one can be started."""
    if not wanted:
        yield Peers(session, None, None, {}, wanted=False)
        return
    absent: dict[str, str] = {}
    python_docker = python_docker_venv(session.kept, make=not session.quick)
    if isinstance(python_docker, str):
        absent["python-docker"] = python_docker
    engine: DockerEngine | None = None
    reason = missing("dockerd")
    if reason is None:
        try:
            engine = start_engine(session.place("engine"))
        except (OSError, RuntimeError) as error:
            reason = f"it does not start: {str(error).splitlines()[-1]}"
    if reason is not None:
        absent["dockerd"] = reason
    try:
        yield Peers(session, engine, python_docker if isinstance(python_docker, Path) else None, absent)
    finally:
        if engine is not None:
            engine.stop()


def _measure(name: str, session: Session, peers: Peers, console: Console) -> Iterator[dict[str, Any]]:
    """The groups of that name."""
    if name == "start":
        yield _group("start", "Starting", _rows(session, startup(session), console))
    elif name == "transfers":
        yield from _transfers(session, console)
    elif name == "wheels":
        yield _wheels(session, peers, console)
    elif name == "shared":
        yield from _shared(session, console)
    elif name == "network":
        yield from _network(session, peers, console)
    elif name == "bake":
        yield _bakes(session, console)
    elif name == "serve":
        yield _serving(session, console)
    elif name == "growth":
        for number, size in enumerate(environments.QUICK if session.quick else environments.GROWTH):
            title = f"Growth: {size.packages} packages, {size.files} files"
            environment = generated(f"growth-{number}", title, size, session.kept, changed=False)
            yield _build(session, environment, None if session.quick else peers, console, ("cold, gzip", "warm"))
    elif name in LARGE:
        size = {"large": environments.LARGE, "huge": environments.HUGE}[name]
        title = {"large": "Many large files", "huge": "One huge package, with one file of 1 GB"}[name]
        environment = generated(name, title, size, session.kept, changed=False)
        once = replace(session, quick=True)
        yield _build(once, environment, None, console, ("cold, gzip", "warm"))
    elif session.quick:
        if name == "wide":
            yield _build(session, generated("wide", "Generated", environments.QUICK[1], session.kept), peers, console)
    elif name == "science":
        try:
            yield _build(session, environments.science(session.kept), peers, console)
        except NotHere as error:
            console.print(f"left out: {name}: {error}", highlight=False)
    else:
        title = f"Wide: {environments.WIDE.packages} packages, {environments.WIDE.files} files"
        yield _build(session, generated("wide", title, environments.WIDE, session.kept), peers, console)


def _build(
    session: Session, environment: Environment, peers: Peers | None, console: Console, only: Sequence[str] = ()
) -> dict[str, Any]:
    """Builds of one environment; of conda-docker's, `only` those of these names."""
    caches = Caches.fill(session, environment)
    with ExitStack() as stack:
        works: list[Work] = floors(environment)
        works.append(before_layers(session, environment))
        works += [work for work in builds(session, environment, caches) if not only or work.name in only]
        works += checks(caches)
        if missing("docker-registry") is None and not only:
            there = stack.enter_context(endpoint(session, f"registry-{environment.name}"))
            works += pushes(session, environment, caches, there)
        if peers is not None:
            works += peers.works(environment, slow=environment.name == "science")
        rows = _rows(session, works, console)
    sizes = next((found["bytes"] for row in rows if "bytes" in (found := details(row))), {"tars": 0, "packages": 0})
    group = _group(environment.name, f"{environment.title} ({sizes['tars'] / 1e6:.0f} MB)".strip(), rows)
    group |= {"bytes": sizes["tars"], "packages": len(environment.archives), "packed": sizes["packages"]}
    group["layers"] = _layers(session, environment, caches)
    group["floors"] = {row.work.name: details(row) for row in rows if row.work.name.startswith("floor")}
    group["changed_floor"] = _floor_of_changed(session, environment)
    remove(caches.cold, caches.warm, caches.changing)
    return group


def _layers(session: Session, environment: Environment, caches: Caches) -> int:
    """How many layers the image has."""
    layout = session.place("layers")
    command = build_command(session, environment, caches.warm, "--output", f"oci:{layout}", options=["--json"])
    answer = subprocess.run(
        [word for word in command if word != "--quiet"], check=True, capture_output=True, env=session.env
    )
    remove(layout)
    return len(json.loads(answer.stdout)["platforms"][0]["layers"])


def _floor_of_changed(session: Session, environment: Environment) -> float | None:
    """Seconds that the bare libraries take for the one package that changes, on all processors."""
    if environment.changed is None:
        return None
    changed = replace(environment, channel=environment.changed)
    row = session.measure(floors(changed)[:1], lambda text: None)[0]
    return row.middle.wall if row.middle is not None else None


def _wheels(session: Session, peers: Peers, console: Console) -> dict[str, Any]:
    """Builds of an environment whose packages are wheels."""
    environment = make_environment(session)
    rows = _rows(session, list(wheel_works(session, environment, peers=peers.wanted)), console)
    title = f"Wheels: {len(environment.wheels)} wheels of {environment.size / 1e6:.0f} MB"
    return _group("wheels", title, rows)


def _shared(session: Session, console: Console) -> Iterator[dict[str, Any]]:
    """Builds on a bare machine, with and without a layer repository."""
    reason = missing("docker-registry")
    try:
        if reason is not None:
            raise NotHere(reason)
        if session.quick:
            environment = generated("shared", "generated packages", environments.QUICK[1], session.kept, changed=False)
        else:
            environment = environments.science(session.kept)
    except NotHere as error:
        console.print(f"left out: shared: {error}", highlight=False)
        return
    with shared(session, environment) as works:
        rows = _rows(session, works, console)
    title = f"Layer repository, over {RATE // 1_000_000} MB/s and {DELAY * 1000:.0f} ms: {environment.title}"
    yield _group("shared", title, rows)


def _network(session: Session, peers: Peers, console: Console) -> Iterator[dict[str, Any]]:
    """Builds that are pushed over networks of several rates."""
    reason = missing("docker-registry")
    try:
        if reason is not None:
            raise NotHere(reason)
        if session.quick:
            environment = generated("network", "generated packages", environments.QUICK[1], session.kept)
        else:
            environment = environments.science(session.kept)
    except NotHere as error:
        console.print(f"left out: network: {error}", highlight=False)
        return
    for rate in RATES:
        with network(session, environment, rate, peers if peers.wanted else None) as works:
            rows = _rows(session, works, console)
        title = f"Pushes over {rate // 1_000_000} MB/s each way and {DELAY * 1000:.0f} ms: {environment.title}"
        yield _group(f"network-{rate // 1_000_000}", title, rows) | {"rate": rate}


def _serving(session: Session, console: Console) -> dict[str, Any]:
    """Images that are made when they are asked for."""
    environment = generated("serve", "generated packages", environments.QUICK[1], session.kept, changed=False)
    with serving(session, environment) as works:
        rows = _rows(session, works, console)
    return _group("serve", f"Images on demand: {len(environment.archives)} packages", rows)


def _bakes(session: Session, console: Console) -> dict[str, Any]:
    """Many images at once, and the same one by one; how much that saves is printed."""
    scale = bakes.QUICK if session.quick else bakes.FULL
    once = replace(session, quick=True)  # hundreds of builds are a mean by themselves
    with bakes.bakes(once, scale) as works:
        rows = _rows(once, works, console)
    group = _group("bake", f"{scale.environments} environments over {scale.packages} packages of real sizes", rows)
    together, apart = wall(group, bakes.AT_ONCE), wall(group, bakes.ONE_BY_ONE)
    if together is not None and apart is not None:
        console.print(f"one by one takes {apart / together:.1f} times as long", highlight=False)
    for line in bakes.of_workers(group["rows"]):
        console.print(line, highlight=False)
    return group | {"environments": scale.environments}


def _transfers(session: Session, console: Console) -> Iterator[dict[str, Any]]:
    reason = missing("docker-registry")
    if reason is not None:
        console.print(f"left out: transfers: {reason}", highlight=False)
        return
    size = _QUICK_IMAGE if session.quick else _IMAGE
    layout = make_image(session, size)
    with endpoint(session, "from") as source, endpoint(session, "to") as target:
        rows = _rows(session, transfers(session, layout, source, target), console)
    remove(layout)
    yield _group("transfers", f"Transfers of an image of {size // 1_000_000} MB", rows) | {"bytes": size}


def _rows(session: Session, works: Sequence[Work], console: Console) -> list[Row]:
    with console.status("") as status:
        return session.measure(works, lambda text: status.update(f"[dim]{text}[/]"))


def _group(name: str, title: str, rows: Sequence[Row]) -> dict[str, Any]:
    return {"name": name, "title": title, "rows": [row.to_json() for row in rows]}


def machine() -> dict[str, Any]:
    """What the measurements were made on: the processor's model, how many, and the memory in bytes."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "memory": memory,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _versions(peers: Peers) -> dict[str, str]:
    """What the other tools say of their versions."""
    asked = {
        "umoci": ["umoci", "--version"],
        "crane": ["crane", "version"],
        "regctl": ["regctl", "version"],
        "skopeo": ["skopeo", "--version"],
        "buildah": ["buildah", "--version"],
        "gzip": ["gzip", "--version"],
        "zstd": ["zstd", "--version"],
        "docker": ["dockerd", "--version"],
        "docker-registry": ["docker-registry", "--version"],
    }
    found = {"rattler": __import__("rattler").__version__}
    for tool, command in asked.items():
        if program := find_tool(command[0], peers.session.env["PATH"]):
            ended = subprocess.run(
                [program, *command[1:]], capture_output=True, text=True, check=False, timeout=30, env=peers.session.env
            )
            words = (ended.stdout or ended.stderr).split()
            number = next((word.lstrip("v*(").rstrip(",)") for word in words if word.lstrip("v*(")[:1].isdigit()), "")
            found[tool] = number or "(of no release)"
    return found


def _write(results: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "latest.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
