"""The environments that are built, each a channel of its own."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.changed import make_changed
from benchmarks.generator import Size, archives, make_channel

WIDE = Size(220, 60_000)
GROWTH = (Size(37, 10_000), Size(110, 30_000))  # and the wide one
LARGE = Size(220, 60_000, scale=6)
HUGE = Size(1, 500, largest=1 << 30)
QUICK = (Size(8, 200), Size(10, 500), Size(14, 1_000))


@dataclass(frozen=True, slots=True)
class Environment:
    """What is asked for, from which channel. In the channel `changed` one of the packages is another.

    `address` is the URL at which a server has the channel, if one does.
    """

    name: str
    title: str
    channel: Path
    specs: tuple[str, ...]
    changed: Path | None = None
    changed_package: str = ""
    address: str = ""

    @property
    def url(self) -> str:
        return self.address or self.channel.as_uri()

    @property
    def archives(self) -> Sequence[Path]:
        """All its packages: the channel has no others."""
        return archives(self.channel)

    @property
    def pure(self) -> Sequence[Path]:
        """Those that may be `noarch: python`."""
        return [path for path in self.archives if path.parent.name == "noarch"]


def science(kept: Path) -> Environment:
    """Real packages: python, numpy, numba, scipy, pandas, scikit-learn, flask, and what they need."""
    from demo.channel import SCIENCE
    from demo.channel import make_channel as make_real_channel

    channel = make_real_channel(SCIENCE).folder
    changed = _changed(channel, "scikit-learn", kept)
    return Environment(
        "science",
        "python, numpy, numba, scipy, pandas, scikit-learn, flask",
        channel,
        ("python", *SCIENCE),
        changed,
        "scikit-learn",
    )


def generated(name: str, title: str, size: Size, kept: Path, *, changed: bool = True) -> Environment:
    """Packages made by a seed."""
    # What is in the files, and the version that modules are compiled for, is this Python's.
    channel = make_channel(size, kept / f"channel-{platform.python_version()}-{size.name}").folder
    if not changed:
        return Environment(name, title, channel, ("everything",))
    compiled = sorted((path for path in archives(channel) if path.name.startswith("compiled-")), key=_size)
    # Neither among the largest nor one of those that share a layer.
    package = compiled[len(compiled) * 3 // 4].name.rsplit("-", 2)[0]
    return Environment(name, title, channel, ("everything",), _changed(channel, package, kept), package)


def _changed(channel: Path, package: str, kept: Path) -> Path:
    (archive,) = (path for path in archives(channel) if path.name.rsplit("-", 2)[0] == package)
    return make_changed(archive, kept / f"changed-{channel.name}")


def _size(path: Path) -> int:
    return path.stat().st_size
