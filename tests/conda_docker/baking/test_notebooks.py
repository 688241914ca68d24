"""Bakes in a notebook, in which an event loop runs already."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from conda_docker import BuildOptions, bake, find_targets
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel_server import ChannelServer

_CELLS = """
import asyncio, json
from pathlib import Path
from conda_docker import bake, find_targets
assert asyncio.get_running_loop().is_running()
targets = find_targets("modules", base="scratch", output="images")
---
result = bake(targets, jobs={jobs})
result.raise_for_failures()
---
print(json.dumps(result.digests))
"""


@pytest.mark.filterwarnings("ignore:zmq.eventloop.ioloop is deprecated", "ignore::ResourceWarning")
@pytest.mark.parametrize("jobs", [1, 2], ids=["solves in the kernel", "solves in processes"])
def test_a_bake_in_a_notebook(jobs: int, server: ChannelServer, tmp_path: Path, monkeypatch: Any) -> None:
    write_environments(tmp_path / "modules", server.url, 3, PACKAGES)
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name.lower()))
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in _CELLS.format(jobs=jobs).split("---")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    done = client.execute(env=dict(os.environ))
    digests = json.loads(done.cells[-1].outputs[0].text)
    here = bake(find_targets(tmp_path / "modules", base="scratch", options=BuildOptions(cache_dir=tmp_path / "here")))
    assert digests == here.digests
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == sorted(digests)
