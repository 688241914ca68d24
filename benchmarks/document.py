"""`docs/performance.md` and its plot, from the results of a run: `python -m benchmarks.document [RESULTS]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.plot import draw
from benchmarks.table import cells, markdown, seconds
from benchmarks.targets import targets
from benchmarks.work import PATIENCE
from conda_docker.arguments.amounts import format_size

_DOCS = Path(__file__).parent.parent / "docs"
_INTRODUCTION = """\
# Performance

What conda-docker takes, next to the floor and other tools at the same work. All numbers are of one run of `make bench`
on one machine; `make bench` on yours gives yours. This page is written by `make bench BENCH_ARGS="--large --docs"`.

{machine}

How it is measured:

- Each number is that of whole processes, from start to end, as the kernel counts them: {runs}, in
  rounds in which all works of a table take turns, after a first round that does not count. What takes another tool
  longer than {patience} seconds, and the two largest environments, ran once. *Processor* is the time of all together;
  *largest process* the peak of resident memory of the largest process, *all processes* that of all at one moment with
  shared pages counted once (from a round of its own); *written* what went to the file system; *sent* what went to the
  registry, requests included; *packages asked for* the requests for packages, and *layers read* the bytes of layers
  that came from the registry.
- *Cold* means: packages on disk, no layer cache. *Warm*: every layer is in the cache. All builds solve first, those of
  conda-docker and of rattler alike.
- A warm build hashes each cached layer before it links or sends it, so that no layer that a disk has damaged gets into
  an image. *check of the cached layers* is what of *warm* this costs, in one thread; *the same by SHA-256* is what it
  would cost without the checksum that is noted when a layer is made.
- *The floor* is what the bare libraries take in one thread to hash the packages, decompress them, hash their tars,
  compress these as conda-docker does (gzip: libdeflate, level 1; zstd: level 3) and hash the result, divided by the
  number of processors. It starts no interpreter, solves nothing, and looks into no file. *floor, .pyc* is the time
  for compiling the modules of `noarch: python` packages in one process, divided likewise: conda-docker makes their
  `.pyc` files, as conda does; none of the other tools here does.
- The other tools start with rattler, which installs the same packages from the same channel with an empty cache;
  then they make an image of the folder, or at least an archive where the table says *no image*.
- The registry is Docker's own (distribution), on the same machine and the same processors.
- Wheels are on disk. uv installs them with an empty cache, then umoci makes an image of the folder; only with
  `--compile-bytecode` does uv make `.pyc` files, as conda-docker does.
- A *bare machine* has no caches at all. Channel and registry are behind a relay with the rate and delay that the table
  names; the registry has the layers in a layer repository, and not the image.
- The limit of a cold push over a network is the longest of receiving, sending, and the work. Relay, channel and
  registry are on the same processors, and what they take (*at the other ends*) is part of the work here.

Where the time goes, and what it would take to reach the aims that are missed: [profile.md](profile.md).
"""
_PLOT = """\
## Growth

The cost of a build is linear in the bytes that are new, and nearly independent of what is cached.

![Wall time against the size of the environment](performance.svg)
"""


def write_document(results: Mapping[str, Any], folder: Path = _DOCS) -> list[Path]:
    """Write the page and the plot, and return their paths."""
    folder.mkdir(exist_ok=True)
    page, plot = folder / "performance.md", folder / "performance.svg"
    growth = [group for group in results["groups"] if group["name"].startswith(("growth", "wide"))]
    drawn = bool(growth) and draw(growth, plot)
    page.write_text("\n".join(_parts(results, drawn=drawn)).rstrip() + "\n")
    return [page, plot] if drawn else [page]


def _parts(results: Mapping[str, Any], *, drawn: bool) -> Iterator[str]:
    yield _INTRODUCTION.format(machine=_machine(results), runs=_runs(results), patience=PATIENCE)
    rows = [(target.work, target.limit, target.found, "yes" if target.met else "no") for target in targets(results)]
    yield "## Aims\n"
    yield markdown(("work", "aim", "found", "met"), rows, left=1) + "\n"
    groups = results["groups"]
    for group in (group for group in groups if not group["name"].startswith("growth")):
        yield from _group(group)
    if drawn:
        yield _PLOT
    for group in (group for group in groups if group["name"].startswith("growth")):
        yield from _group(group, level=3)


def _group(group: Mapping[str, Any], level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {group['title']}\n"
    if "packed" in group:
        changed = group["changed_floor"]
        yield (
            f"{group['packages']} packages, {format_size(group['packed'])} packed and {format_size(group['bytes'])} "
            f"as tars, in {group['layers']} layers."
            + (f" The floor of the package that changes is {seconds(changed)}." if changed else "")
            + "\n"
        )
    yield markdown(*cells(group)) + "\n"
    steps = group.get("floors", {})
    described = [
        f"*{name}*: " + ", ".join(f"{step} {seconds(time)}" for step, time in found["seconds"].items())
        for name, found in steps.items()
        if found and len(found["seconds"]) > 1
    ]
    if described:
        yield "Processor time of the floors' steps, before the division: " + "; ".join(described) + ".\n"


def _machine(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{tool} {version}" for tool, version in sorted(results["versions"].items()))
    return (
        f"The machine: {machine['processor']}, {machine['processors']} processors, "
        f"{machine['memory'] / (1 << 30):.0f} GiB of memory; {machine['system']}, Python {machine['python']}. "
        f"The other tools: {versions}."
    )


def _runs(results: Mapping[str, Any]) -> str:
    runs = max((len(row["samples"]) for group in results["groups"] for row in group["rows"]), default=0)
    return f"the median of {runs} runs" if runs > 1 else "of a single run"


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results" / "latest.json"
    print(*write_document(json.loads(given.read_text())), sep="\n")
