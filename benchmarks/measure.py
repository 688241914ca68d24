"""Measuring whole processes: wall time, processor time, peak memory and bytes written."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_SHIM = Path(__file__).with_name("measured.py")
# Seconds between two looks at the memory of all processes: each takes some milliseconds, which these lack.
_INTERVAL = 0.1


class Failed(Exception):
    """A measured command did not end well; the message has its words."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command with all processes that it started and waited for.

    Times are in seconds; `cpu` is user and system time of all processes; `peak` is the resident memory of the largest
    process in bytes, `peak_sum` that of all at one moment, shared pages counted once (None where it was not looked at);
    `written` counts the bytes that went to the file system.
    """

    wall: float
    cpu: float
    peak: int
    written: int
    peak_sum: int | None = None

    def to_json(self) -> dict[str, float | int | None]:
        return {name: getattr(self, name) for name in ("wall", "cpu", "peak", "peak_sum", "written")}


def together(samples: Sequence[Sample]) -> Sample:
    """Commands one after another as one."""
    sums = [sample.peak_sum for sample in samples if sample.peak_sum is not None]
    return Sample(
        sum(sample.wall for sample in samples),
        sum(sample.cpu for sample in samples),
        max(sample.peak for sample in samples),
        sum(sample.written for sample in samples),
        max(sums, default=None),
    )


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each quantity."""
    sums = [sample.peak_sum for sample in samples if sample.peak_sum is not None]
    return Sample(
        median(sample.wall for sample in samples),
        median(sample.cpu for sample in samples),
        int(median(sample.peak for sample in samples)),
        int(median(sample.written for sample in samples)),
        int(median(sums)) if sums else None,
    )


@dataclass(frozen=True, slots=True)
class Server:
    """A server that does part of a command's work, by the process that it was started as."""

    pid: int

    def usage(self) -> tuple[float, int]:
        """Processor seconds and bytes written so far, by it and all below it."""
        ticks = os.sysconf("SC_CLK_TCK")
        seconds, written = 0.0, 0
        for pid in descendants(self.pid):
            with contextlib.suppress(OSError, ValueError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                seconds += sum(map(int, fields[11:15])) / ticks
                written += _field(Path(f"/proc/{pid}/io"), "write_bytes:")
        return seconds, written

    def forget_peaks(self) -> None:
        """Begin to look for the peak of memory anew (proc(5), clear_refs)."""
        for pid in descendants(self.pid):
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Bytes of the largest process at its peak."""
        return max((_field(Path(f"/proc/{pid}/status"), "VmHWM:") << 10 for pid in descendants(self.pid)), default=0)


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    look: bool = False,
    server: Server | None = None,
) -> tuple[Sample, str]:
    """Run a command to its end and return what it took, and its output. Raises `Failed` unless its exit code is 0.

    `look`: keep an eye on the memory of all its processes, which costs time. What `server` does meanwhile counts.
    """
    with tempfile.TemporaryDirectory(prefix="measure-") as folder:
        result, words = Path(folder, "result"), Path(folder, "output")
        before = server.usage() if server is not None else (0.0, 0)
        if server is not None:
            server.forget_peaks()
        with words.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-IS", str(_SHIM), str(result), *command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            with _watched(process.pid) if look else contextlib.nullcontext() as peak_sum:
                code = process.wait()
        if code != 0:
            raise Failed(f"{shlex.join(command)}\nended with {code}\n{words.read_text(errors='replace')[-2000:]}")
        took = json.loads(result.read_text())
        after = server.usage() if server is not None else (0.0, 0)
        sample = Sample(
            took["wall"],
            took["user"] + took["system"] + after[0] - before[0],
            max(took["peak"], server.peak() if server is not None else 0),
            took["written"] + after[1] - before[1],
            peak_sum() if peak_sum is not None else None,
        )
        return sample, words.read_text(errors="replace")


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[Callable[[], int | None]]:
    """Look at the memory of a process and all below it, while the block runs."""
    ended = threading.Event()
    peak: int | None = None

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_INTERVAL):
            total = sum(_field(Path(f"/proc/{each}/smaps_rollup"), "Pss:") << 10 for each in descendants(pid)[1:])
            peak = max(peak or 0, total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lambda: peak
    finally:
        ended.set()
        thread.join()


def descendants(root: int) -> list[int]:
    """A process and all below it, itself first."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _field(path: Path, name: str) -> int:
    """A number of a file below /proc, 0 where it cannot be read."""
    try:
        return next((int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name)), 0)
    except (OSError, ValueError):
        return 0
