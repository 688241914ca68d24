"""What was aimed for, and whether it was reached: ratios within one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.bakes import AT_ONCE, ONE_BY_ONE, on_workers, ratios_of_work
from benchmarks.floors import COMPILE_FLOOR, FLOOR
from benchmarks.network import BARE, BARE_SOLVE, LOCAL, SECOND, SOLVE
from benchmarks.network import COLD as COLD_PUSH
from benchmarks.ours import COLD, TOOL
from benchmarks.serving import FACTS, KNOWN, SOLVE_AND_FACTS
from benchmarks.shared import WITH
from benchmarks.startup import BEFORE_LAYERS, INSPECT
from benchmarks.table import Group, find, wall
from benchmarks.wheel_builds import CONDA_WARM, UV_PYC_UMOCI, UV_UMOCI
from conda_docker.arguments.amounts import format_size

_MB = 1_000_000
_UMOCI = "rattler + umoci"


class Target(NamedTuple):
    """A target: `limit` and `found` as texts, and whether it is met."""

    work: str
    limit: str
    found: str
    met: bool


def targets(results: Mapping[str, Any]) -> Iterator[Target]:
    """Every target about which this run can say something."""
    groups = {group["name"]: group for group in results["groups"]}
    for name, cold, limit in (
        ("science", "cold build, gzip", 1.5),
        ("wide", "cold build of the wide environment", 2.5),
    ):
        if name in groups:
            group = groups[name]
            yield from _times(group, cold, FLOOR["gzip"], limit)
            yield from _against(group)
            yield from _incremental(group)
            yield from _pushes(group)
    if "wheels" in groups:
        yield from _wheels(groups["wheels"])
    if "shared" in groups and (row := find(groups["shared"], WITH)) is not None:
        asked, read = row["packages_asked"], row["layer_bytes"]
        found = f"{asked} packages, {format_size(read)}"
        yield Target("bare machine with a layer repository", "0 packages, 0 B", found, asked == read == 0)
    for group in groups.values():
        if "rate" in group:
            yield from _network(group, results["machine"]["processors"])
    if "serve" in groups and (known := wall(groups["serve"], KNOWN)) is not None:
        yield Target(KNOWN, "0.05 s", f"{known:.3f} s", known <= 0.05)
        new, alone = wall(groups["serve"], FACTS), wall(groups["serve"], SOLVE_AND_FACTS)
        if new is not None and alone is not None:
            allowed = f"solve and facts, {alone:.3f} s, + 0.05 s"
            yield Target(FACTS, allowed, f"{new:.3f} s", new <= alone + 0.05)
    if "bake" in groups:
        yield from _bake(groups["bake"])
    if "start" in groups and (help_ := wall(groups["start"], "--help")) is not None:
        yield Target("`conda-docker --help`", "0.2 s", f"{help_:.2f} s", help_ <= 0.2)
        if (inspect := wall(groups["start"], INSPECT)) is not None:
            yield Target(f"`conda-docker`: {INSPECT}", "0.1 s", f"{inspect:.2f} s", inspect <= 0.1)
    for group in groups.values():
        if "bytes" in group and group["name"] != "transfers" and (row := find(group, COLD)) is not None:
            peak = max(row["median"]["peak"], _peak(find(group, "cold, zstd")))
            yield Target(
                f"peak memory of a build of {format_size(group['bytes'])}",
                "200 MB",
                format_size(peak),
                peak <= 200 * _MB,
            )
    if "huge" in groups and (row := find(groups["huge"], COLD)) is not None:
        cores = row["median"]["cpu"] / row["median"]["wall"]
        wanted = 0.85 * results["machine"]["processors"]
        yield Target("one huge package: processors in use", f"{wanted:.1f}", f"{cores:.2f}", cores >= wanted)
    if "transfers" in groups:
        yield from _transfers(groups["transfers"])


def _peak(row: Mapping[str, Any] | None) -> int:
    return row["median"]["peak"] if row is not None else 0


def _bake(group: Group) -> Iterator[Target]:
    """Many images at once: quicker than one by one, and workers that do not wait."""
    together, apart = wall(group, AT_ONCE), wall(group, ONE_BY_ONE)
    if together is not None and apart is not None:
        yield Target(AT_ONCE, "less than one by one", f"{apart / together:.1f} times less", together < apart)
    for row in group["rows"]:
        if "idle" in row:
            yield Target(f"idle time, {row['work']}", "10%", f"{row['idle']:.1%}", row["idle"] < 0.1)
    for row, ratio in ratios_of_work(group["rows"]):
        if row["work"] != on_workers(1):
            yield Target(f"total work, {row['work']}", "1.05 x one worker's", f"{ratio:.2f} x", ratio <= 1.05)


def _times(group: Group, what: str, floor: str, limit: float) -> Iterator[Target]:
    """The ratio to the floor, without and with byte-compiling (which the floor then includes)."""
    least, compiling = wall(group, floor), wall(group, COMPILE_FLOOR)
    without, whole = wall(group, f"{COLD}, no .pyc"), wall(group, COLD)
    if least and whole:
        yield Target(what, f"{limit} x floor", f"{whole / least:.2f} x", whole <= limit * least)
    if least and without:
        yield Target(f"{what}, no .pyc", f"{limit} x floor", f"{without / least:.2f} x", without <= limit * least)
    if least and compiling and whole:
        ratio = whole / (least + compiling)
        yield Target(f"{what}, against the floor with .pyc", f"{limit} x floor", f"{ratio:.2f} x", ratio <= limit)


def _against(group: Group) -> Iterator[Target]:
    whole, umoci = wall(group, COLD), wall(group, COLD, _UMOCI)
    if whole and umoci:
        ratio = whole / umoci
        yield Target(f"{group['name']}: cold build, gzip", f"0.4 x {_UMOCI}", f"{ratio:.2f} x", ratio <= 0.4)


def _network(group: Group, processors: int) -> Iterator[Target]:
    """Against what no push can do without: receiving, sending, or the work, whichever takes longest.

    The registry, the channel and the links work on the same processors, which is part of the work here.
    """
    row, local = find(group, COLD_PUSH), wall(group, LOCAL)
    where = f"over {group['rate'] // _MB} MB/s"
    if row is not None and local is not None:
        work_of_all = (row["median"]["cpu"] + row["others"]) / processors
        least = max(row["received"] / group["rate"], row["sent"] / group["rate"], local, work_of_all)
        found = row["median"]["wall"] / least
        yield Target(f"{COLD_PUSH} {where}", f"1.3 x {least:.1f} s", f"{found:.2f} x", found <= 1.3)
    for work, solve in ((SECOND, SOLVE), (BARE, BARE_SOLVE)):
        row, before = find(group, work), wall(group, solve)
        if row is not None and before is not None:
            beyond, blobs = row["median"]["wall"] - before, row["blobs_sent"]
            found_ = f"{beyond:.2f} s, {blobs} blobs, {format_size(row['sent'])} in all"
            # The config and the environment's own layer, which name the image's tag or packages, are sent always.
            limit = "1.5 s beyond start and solve, 2 blobs"
            yield Target(f"{work} {where}", limit, found_, beyond <= 1.5 and blobs <= 2)


def _wheels(group: Group) -> Iterator[Target]:
    """Cold beside uv and umoci, both without and both with `.pyc` files; warm beside conda packages."""
    for work, tool in ((f"{COLD}, no .pyc", UV_UMOCI), (COLD, UV_PYC_UMOCI)):
        whole, theirs = wall(group, work), wall(group, work, tool)
        if whole and theirs:
            yield Target(f"wheels: {work}", f"0.5 x {tool}", f"{whole / theirs:.2f} x", whole <= 0.5 * theirs)
    warm, conda = wall(group, "warm"), wall(group, CONDA_WARM)
    if warm and conda:
        yield Target("wheels: warm build", "0.3 s + of conda packages", f"{warm - conda:+.2f} s", warm - conda <= 0.3)


def _incremental(group: Group) -> Iterator[Target]:
    warm, before, changed = (wall(group, work) for work in ("warm", BEFORE_LAYERS, "one package changed"))
    if warm and before:
        found = warm - before
        yield Target(f"{group['name']}: warm build, beyond start and solve", "0.3 s", f"{found:.2f} s", found <= 0.3)
    package = group.get("changed_floor")
    if warm and changed and package:
        limit = warm + 1.5 * package
        yield Target(
            f"{group['name']}: one package changed",
            f"warm + 1.5 x its floor = {limit:.2f} s",
            f"{changed:.2f} s",
            changed <= limit,
        )


def _pushes(group: Group) -> Iterator[Target]:
    row = find(group, "push, warm, nothing new")
    if row is not None:
        # Requests are bytes too: a few hundred for each layer.
        limit = 2_000 * (group["layers"] + 4)
        yield Target(
            f"{group['name']}: push of what the registry has",
            "requests only",
            f"{format_size(row['sent'])} sent",
            row["sent"] <= limit,
        )


def _transfers(group: Group) -> Iterator[Target]:
    for row in group["rows"]:
        if row["tool"] != TOOL or row["median"] is None:
            continue
        peak = row["median"]["peak"]
        yield Target(f"{row['work']}: peak memory", "100 MB", format_size(peak), peak <= 100 * _MB)
        for tool in ("crane", "skopeo"):
            theirs = wall(group, row["work"], tool)
            if theirs:
                ratio = row["median"]["wall"] / theirs
                yield Target(f"{row['work']}: time", f"1 x {tool}", f"{ratio:.2f} x", ratio <= 1)
                break
