"""The program within this process, and images to give it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker import cli
from tests.conda_docker.conftest import Run
from tests.images import hello_config, layer_tar, write_docker_archive, write_oci_layout
from tests.json_reports import check_report

__all__ = ["LAYERS", "Run"]

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"srv/data": b"0123456789" * 1000})]
"""The layers of the images here, the lowest first."""


@pytest.fixture
def conda_docker(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that does the same within this process, which takes a tenth of the time.

    What is printed as JSON must be as it is documented.
    """

    def run(
        *args: str | Path, env: dict[str, str] | None = None, input: str = "", folder: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        output, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch:
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in (environment | (env or {})).items():
                patch.setenv(name, value)
            patch.chdir(folder)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input.encode()), encoding="utf-8"))
            patch.setattr(sys, "stdout", output)
            patch.setattr(sys, "stderr", errors)
            code = cli.run([str(arg) for arg in args])
        texts = []
        for stream in (output, errors):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
        if "--json" in args and texts[0]:
            check_report([str(arg) for arg in args], texts[0])
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
