"""A process that installs packages with rattler, one job after another; run by `tests.conda_docker.oracle`.

A job is a line of JSON on standard input: `archives`, `target`, `cache`, `prefix`. The answer is a line too: null, or
what rattler says is wrong. A malformed package may abort the process, which is why it has one of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from rattler import RepoDataRecord, install


async def run(job: dict[str, str], archives: list[str]) -> None:
    records = [await RepoDataRecord.from_package_archive(archive) for archive in archives]
    await install(
        records,
        target_prefix=job["target"],
        cache_dir=Path(job["cache"]),
        alternative_target_prefix=job["prefix"],
        show_progress=False,
    )


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        try:
            asyncio.run(run(job, job["archives"]))
            error = None
        except Exception as problem:
            error = str(problem)
        print(json.dumps(error), flush=True)
    # Leaving in the usual way may crash: rattler's threads outlive the interpreter.
    os._exit(0)


if __name__ == "__main__":
    main()
