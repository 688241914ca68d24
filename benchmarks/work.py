"""What is measured: pieces of work, and the rounds in which they take turns."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Failed, Sample, Server, measure, middle, together

Commands = Sequence[Sequence[str]]

PATIENCE = 10
"""Seconds: another tool's work whose first run took longer is not run again, and that run counts."""


def _nothing(sample: Sample, output: str) -> Sample:
    return sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing that one tool does.

    `prepare` brings about the state that it starts from and returns the commands; what they take together is measured.
    `finish` tidies up, and may return more numbers. Both get to know whether this is the first round, which is not
    timed. `take` makes what counts of the sample and the output of the last command, where that is not the sample
    itself. `floor` and `ours` name works of the same group that this one is compared with.
    """

    name: str
    tool: str
    prepare: Callable[[bool], Commands]
    finish: Callable[[bool], Mapping[str, Any]] = lambda first: {}
    take: Callable[[Sample, str], Sample] = _nothing
    server: Server | None = None
    floor: str | None = None
    ours: str | None = None


@dataclass(slots=True)
class Row:
    """A work and what was measured; `failure` says why there is nothing."""

    work: Work
    samples: list[Sample] = field(default_factory=list)
    first: Sample | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    failure: str = ""

    @property
    def middle(self) -> Sample | None:
        return middle(self.samples) if self.samples else None

    def to_json(self) -> dict[str, Any]:
        found = self.middle
        return {
            "work": self.work.name,
            "tool": self.work.tool,
            "median": found.to_json() if found is not None else None,
            "peak_sum": self.first.peak_sum if self.first is not None else None,
            "samples": [sample.to_json() for sample in self.samples],
            "floor": self.work.floor,
            "ours": self.work.ours,
            "failure": self.failure,
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the benchmarks. `folder` is for what is thrown away, `kept` for what the next run uses again."""

    folder: Path
    kept: Path
    runs: int
    quick: bool = False

    @property
    def env(self) -> dict[str, str]:
        """The environment of every process: neither this user's settings nor caches, but those of this run."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
        return {"PATH": path, "HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8"}

    @property
    def program(self) -> list[str]:
        """The command `conda-docker` of this Python."""
        script = Path(sys.executable).with_name("conda-docker")
        return [str(script)] if script.is_file() else [sys.executable, "-m", "conda_docker"]

    def place(self, name: str) -> Path:
        """A path in the run's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def measure(self, works: Sequence[Work], told: Callable[[str], object]) -> list[Row]:
        """Measure works in turn, round after round, so that what befalls the machine befalls all of them.

        The first round fills the system's caches; it is looked at for memory, and counts only when it is to be quick,
        or for works of other tools that take long.
        """
        rows = [Row(work) for work in works]
        for number in range(1 if self.quick else self.runs + 1):
            for row in rows:
                if not row.failure and not (number and row.samples and row.first is row.samples[0]):
                    told(f"{row.work.tool}: {row.work.name}, " + (f"run {number}" if number else "first"))
                    self._run(row, first=number == 0)
        return rows

    def _run(self, row: Row, *, first: bool) -> None:
        work = row.work
        try:
            samples = []
            commands = work.prepare(first)
            if not self.quick:
                # What others wrote shall not be on its way to the disk while this is timed.
                os.sync()
            for command in commands:
                sample, row.output = measure(command, env=self.env, cwd=self.folder, look=first, server=work.server)
                samples.append(sample)
            took = work.take(together(samples), row.output)
        except (Failed, OSError) as error:
            row.failure = str(error)
            return
        finally:
            row.extra.update(work.finish(first))
        if first:
            row.first = took
        if self.quick or not first or (work.ours is not None and took.wall > PATIENCE):
            row.samples.append(took)


def remove(*paths: Path) -> None:
    """Remove files and folders that may be there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
