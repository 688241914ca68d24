"""A build in a folder of strangers' code: nothing in it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage

MODULES = ["json", "typing", "importlib", "encodings", "warnings", "marshal", "site", "sitecustomize", "usercustomize"]
PROGRAMS = ["python3.99", "python3", "python", "bwrap", "conda", "docker", "true", "sh", "docker-credential-desktop"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose modules and programs leave a mark."""
    made = tmp_path / "project"
    made.mkdir()
    for name in MODULES:
        (made / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'a').write({name!r})\n")
    for name in PROGRAMS:
        program = made / name
        program.write_text(f"#!/bin/sh\necho {name} >> {tmp_path / 'marker'}\n")
        program.chmod(0o755)
    (made / ".python-version").write_text("3.99.1\n")
    return made


@pytest.mark.parametrize("version", ["3.99.1", ".".join(map(str, sys.version_info[:3]))])
def test_nothing_of_the_working_folder_runs(
    folder: Path, synthetic_channel: SyntheticChannel, tmp_path: Path, version: str, environment: dict[str, str]
) -> None:
    minor = version.rpartition(".")[0]
    synthetic_channel.add(
        SyntheticPackage(name="python", version=version, files={f"bin/python{minor}": File(b"no program", mode=0o755)}),
        SyntheticPackage(name="m", noarch="python", depends=["python"], files={"site-packages/m.py": "x = 1"}),
    )
    path = os.pathsep.join(["", ".", environment["PATH"]])
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "conda_docker", "-q", "build", "-b", "scratch", "--override-channels"),
            *(
                "-c",
                synthetic_channel.url,
                "--platform",
                "linux/amd64",
                "-i",
                "m:1",
                "-o",
                f"oci:{tmp_path / 'out'}",
                "m",
            ),
        ],
        cwd=folder,
        env=environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "marker").exists(), (tmp_path / "marker").read_text()
