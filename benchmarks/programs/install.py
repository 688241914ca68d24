"""Solves and installs an environment with rattler: `install.py TARGET PREFIX CACHE CHANNEL SPEC...`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import rattler


async def main(target: str, prefix: str, cache: str, channel: str, specs: list[str]) -> None:
    virtual = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    records = await rattler.solve(
        [rattler.Channel(channel)],
        [rattler.MatchSpec(spec) for spec in specs],
        gateway=rattler.Gateway(cache_dir=Path(cache, "repodata")),
        platforms=[rattler.Subdir.current(), rattler.Subdir("noarch")],
        virtual_packages=virtual,
    )
    await rattler.install(
        records,
        target_prefix=target,
        cache_dir=Path(cache, "packages"),
        alternative_target_prefix=prefix,
        show_progress=False,
    )


if __name__ == "__main__":
    target, prefix, cache, channel, *specs = sys.argv[1:]
    asyncio.run(main(target, prefix, cache, channel, specs))
    # To leave in the usual way may crash: rattler's threads outlive the interpreter.
    os._exit(0)
