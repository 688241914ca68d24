"""A channel and folders of environments in the style of nf-core: each a few packages, much of which they share."""

from __future__ import annotations

import random
from pathlib import Path

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage


def make_packages(number: int, *, seed: int = 0) -> list[SyntheticPackage]:
    """Return packages of sizes that are spread as real ones are; each needs a few of those before it."""
    chance = random.Random(seed)
    packages: list[SyntheticPackage] = []
    for place in range(number):
        needed = chance.sample(packages, min(len(packages), chance.choice((0, 1, 1, 2))))
        size = min(int(chance.lognormvariate(7, 1.5)), 200_000)
        packages.append(
            SyntheticPackage(
                name=f"pkg-{place:03}",
                depends=[package.name for package in needed],
                files={f"lib/pkg-{place:03}.so": chance.randbytes(size)},
            )
        )
    return packages


def write_environments(folder: Path, channel: str, number: int, packages: int, *, seed: int = 0) -> list[Path]:
    """Write `modules/TOOL/environment.yml` for so many tools, and return the files."""
    chance = random.Random(seed)
    paths = []
    for place in range(number):
        wanted = sorted(chance.sample(range(packages), 3))
        path = folder / f"tool{place:03}" / "environment.yml"
        path.parent.mkdir(parents=True)
        listed = "".join(f"  - pkg-{each:03}\n" for each in wanted)
        path.write_text(f"channels:\n  - {channel}\ndependencies:\n{listed}")
        paths.append(path)
    return paths


def make_channel(folder: Path, number: int) -> SyntheticChannel:
    """Return a channel of so many packages."""
    channel = SyntheticChannel(folder)
    channel.add(*make_packages(number))
    return channel
