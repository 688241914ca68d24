"""The real program, as users start it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker import cli
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
def program(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that runs the program as users do, in `tmp_path`, and gives its exit code and output."""

    def run(*args: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("conda-docker"), *map(str, args)],
            cwd=tmp_path,
            env=environment | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def conda_docker(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that does the same within this process, which takes a tenth of the time."""

    def run(*args: str | Path, env: dict[str, str] | None = None, input: str = "") -> subprocess.CompletedProcess[str]:
        output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in (environment | (env or {})).items():
                patch.setenv(name, value)
            patch.chdir(tmp_path)
            patch.setattr(sys, "stdin", io.StringIO(input))
            patch.setattr(sys, "stdout", output)
            patch.setattr(sys, "stderr", errors)
            code = cli.run([str(arg) for arg in args])
        texts = []
        for stream in (output, errors):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return subprocess.CompletedProcess(args, code, *texts)

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
