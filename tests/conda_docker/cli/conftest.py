"""The real program, as users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.images import hello_config, layer_tar, write_docker_archive, write_oci_layout

Run = Callable[..., subprocess.CompletedProcess[str]]

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"srv/data": b"0123456789" * 1000})]
"""The layers of the images here, the lowest first."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return environment variables in which nothing of this machine's user is to be seen."""
    (tmp_path / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": str(tmp_path / "home"), "CONDA_DOCKER_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def conda_docker(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that runs the program in `tmp_path` and gives its exit code and output."""

    def run(*args: str | Path, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        options = {"stdin": subprocess.DEVNULL} | options if "input" not in options else options
        return subprocess.run(
            [sys.executable, "-m", "conda_docker", *map(str, args)],
            cwd=tmp_path,
            env=environment | (env or {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """Return the name of a docker archive in `tmp_path` with one image, `hello:latest`."""
    write_docker_archive(tmp_path / "hello.tar", LAYERS, runtime=hello_config() | {"Labels": {"who": "\x1b[31mme"}})
    return "hello.tar"


@pytest.fixture
def layout(tmp_path: Path) -> str:
    """Return the name of an OCI layout in `tmp_path` with one image."""
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1", runtime=hello_config())
    return "oci:layout"
