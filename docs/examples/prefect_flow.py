"""A Prefect flow that bakes all environments of a folder: each failure is a task of its own that failed.

pip install prefect conda-docker
python prefect_flow.py modules
"""

from __future__ import annotations

import sys

from prefect import flow, task

from conda_docker import TargetResult, bake, find_targets


@task
def report(result: TargetResult) -> str | None:
    """Return the digest of an image, or fail with what went wrong."""
    if result.error is not None:
        raise result.error
    return result.digest


@flow(name="bake")
def bake_folder(folder: str, base: str = "scratch", output: str = "images") -> dict[str, str]:
    """Build what has an environment in `folder`, and return the digests by names."""
    targets = find_targets(folder, base=base, output=output)
    result = bake(targets, jobs=2)
    for each in [report.submit(target) for target in result.targets]:
        each.result()
    return result.digests


if __name__ == "__main__":
    print(bake_folder(*sys.argv[1:]))
