"""Whether a process for choosing packages is started before it is known whether there is anything to choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conda_docker.bounded import calls
from conda_docker.request import Request
from conda_docker.resolution.ahead import solver_ahead


@pytest.mark.parametrize(
    ("asked", "started"),
    [
        ({"specs": ["python"]}, True),
        ({"files": [Path("environment.yml")]}, True),
        ({"files": [Path("pixi.toml")], "specs": ["python"]}, True),
        ({"files": [Path("conda-docker.lock")]}, False),
        ({"files": [Path("conda-lock.yml")]}, False),
        ({"files": [Path("explicit.txt")]}, False),
        ({"files": [Path("-")]}, False),
        ({"prefix": Path("env")}, False),
        ({"name": "env"}, False),
        ({"specs": ["python"], "solver": "mamba"}, False),
    ],
)
def test_a_process_is_started_where_packages_seem_to_be_chosen(asked: dict[str, Any], started: bool) -> None:
    with solver_ahead(Request(**asked)):
        assert bool(calls._kept._idle) is started
    assert calls._kept._idle == []
