"""A conda channel of real packages, made from this machine's Python and from wheels of the Python index.

It takes no conda channel and no root. The packages are what conda's own look like: `.conda` archives with placeholders,
entry points, `noarch: python` packages and compiled ones, indexed by rattler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rattler.index import index_fs

from conda_docker.channels.rattler_engine import run
from demo.interpreter import NotHere, interpreter_identity, package_interpreter, subdir
from demo.wheels import IndexUnreachable, fetch_wheels, package_wheel
from python_docker.files.lock import locked

__all__ = ["DEMO", "SCIENCE", "IndexUnreachable", "NotHere", "RealChannel", "make_channel"]

DEMO = ("numpy", "numba", "flask")
SCIENCE = (*DEMO, "scipy", "pandas", "scikit-learn")
"""What the benchmarks build: some 500 MB with what it needs."""

ROOT = Path(__file__).resolve().parent.parent / ".demo"
"""Where what the demonstration makes is kept for the next time."""

_FORMAT = 3  # of the channels made here; counted up whenever other packages would be made of the same wheels


@dataclass(frozen=True, slots=True)
class RealChannel:
    """A channel's folder. `requirements` are the names that were asked of the Python index."""

    folder: Path
    requirements: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    @property
    def subdir(self) -> str:
        """Return the subdir of its binary packages."""
        return subdir()

    def archives(self) -> list[Path]:
        """Return every package, sorted by path."""
        return sorted(self.folder.glob("*/*.conda"))


def make_channel(requirements: Sequence[str] = DEMO, root: Path = ROOT) -> RealChannel:
    """Return a channel with this machine's Python and pip, `requirements` and all that these need.

    pip is there because conda adds it to every environment that has Python, and because a `pip:` section asks for it.
    Kept in `root` and given again the next time, for as long as the Python is the same. Safe for any number of
    processes at once. Raises `IndexUnreachable` when the wheels cannot be had, `NotHere` when this machine lacks
    something else.
    """
    contents = "\0".join((str(_FORMAT), subdir(), *sorted(requirements)))
    folder = root / f"channel-{interpreter_identity()}-{hashlib.sha256(contents.encode()).hexdigest()[:8]}"
    channel = RealChannel(folder, tuple(requirements))
    if folder.is_dir():
        return channel
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "lock", timeout=1200):
        if not folder.is_dir():
            _make(requirements, folder, root)
    return channel


def _make(requirements: Sequence[str], folder: Path, root: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix=".partial-", dir=root) as temporary,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        work = Path(temporary)
        new = work / "channel"
        (new / "noarch").mkdir(parents=True)
        interpreter = pool.submit(package_interpreter, new, _stage(work, "python"))
        # In a folder of this channel's own: versions that go together are chosen for all requirements at once.
        wheels = fetch_wheels(sorted({*requirements, "pip"}), work / "wheels")
        packages = [pool.submit(package_wheel, wheel, new, _stage(work, wheel.stem)) for wheel in wheels]
        for package in (interpreter, *packages):
            package.result()
        run(lambda: index_fs(new, write_zst=True, write_shards=False, force=True))
        shutil.move(new, folder.with_name(f".{folder.name}"))
        folder.with_name(f".{folder.name}").replace(folder)


def _stage(work: Path, name: str) -> Path:
    stage = work / "stages" / name
    stage.mkdir(parents=True)
    return stage
