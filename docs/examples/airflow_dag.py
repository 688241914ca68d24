"""An Airflow DAG that bakes a folder of environments every night, and passes the digests on.

Put it into the folder of DAGs of an Airflow in which conda-docker is installed.
"""

from __future__ import annotations

import os

from airflow.sdk import dag, task

from conda_docker import bake, find_targets


@dag(schedule="@daily", catchup=False)
def bake_images() -> None:
    """Build the images, then show what they are."""

    @task
    def build() -> dict[str, str]:
        targets = find_targets(
            os.environ.get("CONDA_DOCKER_ENVIRONMENTS", "modules"),
            base=os.environ.get("CONDA_DOCKER_BASE", "scratch"),
            output=os.environ.get("CONDA_DOCKER_OUTPUT", "images"),
        )
        result = bake(targets, jobs=2)
        result.raise_for_failures()
        return result.digests

    @task
    def show(digests: dict[str, str]) -> None:
        for name, digest in digests.items():
            print(name, digest)

    show(build())


bake_images()
