"""A cluster that starts workers when there is work, and stops them when there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from conda_docker import BuildOptions, bake, find_targets
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel_server import ChannelServer
from tests.peers import Registry
from tests.peers.containment import dying_with_us

_PROGRAM = """
import json, sys
from pathlib import Path
from distributed import LocalCluster
from conda_docker import BuildOptions, bake, find_targets

def main(modules, repository, folder):
    targets = find_targets(
        modules, base="scratch", image=repository + "/{name}", push=True,
        options=BuildOptions(cache_dir=Path(folder), cache_to=[repository + "/layers"]),
    )
    with LocalCluster(n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="200ms", wait_count=1)
        seen = set()
        count = lambda result: seen.add(len(cluster.workers))
        result = bake(targets, jobs=1, scheduler=cluster.scheduler_address, done=count)
        groups = sorted(cluster.scheduler.task_prefixes)
        print(json.dumps([result.digests, result.made, max(seen), groups, [str(each.error) for each in result.failed]]))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


def test_workers_come_when_there_is_work(
    server: ChannelServer, tmp_path: Path, registry: Registry, repository: str
) -> None:
    write_environments(tmp_path / "modules", server.url, 6, PACKAGES)
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    done = subprocess.run(
        dying_with_us(
            [
                *(sys.executable, str(program), str(tmp_path / "modules")),
                *(f"{registry.host}/{repository}", str(tmp_path / "client")),
            ]
        ),
        env=os.environ | {"CONDA_DOCKER_CACHE": str(tmp_path / "workers"), "DASK_LOGGING__DISTRIBUTED": "error"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digests, made, workers, groups, errors = json.loads(done.stdout)
    assert not errors
    here = bake(find_targets(tmp_path / "modules", base="scratch", options=BuildOptions(cache_dir=tmp_path / "here")))
    assert digests == here.digests
    assert made == here.made
    assert 1 <= workers <= 2
    assert groups == ["image", "layer"]
