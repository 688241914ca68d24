"""A Dagster asset for all images of a folder of environments, with their digests as metadata.

pip install dagster conda-docker
CONDA_DOCKER_ENVIRONMENTS=modules dagster asset materialize --select images -f dagster_assets.py
"""

from __future__ import annotations

import os

import dagster

from conda_docker import bake, find_targets


@dagster.asset
def images() -> dagster.MaterializeResult:
    """Build what has an environment in the folder; a failure fails the asset, after all others were built."""
    targets = find_targets(
        os.environ.get("CONDA_DOCKER_ENVIRONMENTS", "modules"),
        base=os.environ.get("CONDA_DOCKER_BASE", "scratch"),
        output=os.environ.get("CONDA_DOCKER_OUTPUT", "images"),
    )
    result = bake(targets, jobs=2)
    result.raise_for_failures()
    return dagster.MaterializeResult(metadata={"digests": result.digests, "layers made": result.made})
