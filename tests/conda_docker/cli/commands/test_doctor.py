"""`conda-docker doctor`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conda_docker.conftest import Run


def test_the_report_is_lines_with_how_things_are(program: Run) -> None:
    ended = program("doctor", "--offline")
    assert ended.returncode == 0
    assert {line.split()[0] for line in ended.stdout.splitlines() if not line.startswith(" ")} <= {"ok", "warning"}
    assert "sandbox: " in ended.stdout


def test_the_report_for_programs(program: Run) -> None:
    checks = json.loads(program("doctor", "--offline", "--json").stdout)
    assert all(set(check) == {"subject", "status", "found", "advice"} for check in checks)


def test_broken_configuration_is_found_without_a_network(program: Run, tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text("{bad")
    (tmp_path / ".condarc").write_text("channels: [a")
    env = {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / ".docker"), "CONDARC": str(tmp_path / ".condarc")}
    ended = program("doctor", "--offline", env=env)
    assert ended.returncode == 1
    errors = [line.partition(":")[0] for line in ended.stdout.splitlines() if line.startswith("error")]
    assert errors == ["error   conda's configuration", "error   credentials of registries"]


def test_an_error_is_a_failure(program: Run, environment: dict[str, str]) -> None:
    ended = program(
        "doctor", "--channel", "file:///no/such/folder", env={"CONDA_DOCKER_REGISTRY_URL": "http://127.0.0.1:9"}
    )
    assert ended.returncode == 1
    assert "error   channel file:///no/such/folder: not there" in ended.stdout
