"""`conda-docker doctor`."""

from __future__ import annotations

import json

from tests.conda_docker.conftest import Run


def test_the_report_is_lines_with_how_things_are(program: Run) -> None:
    ended = program("doctor", "--offline")
    assert ended.returncode == 0
    assert {line.split()[0] for line in ended.stdout.splitlines() if not line.startswith(" ")} <= {"ok", "warning"}
    assert "sandbox: " in ended.stdout


def test_the_report_for_programs(program: Run) -> None:
    checks = json.loads(program("doctor", "--offline", "--json").stdout)
    assert all(set(check) == {"subject", "status", "found", "advice"} for check in checks)


def test_an_error_is_a_failure(program: Run, environment: dict[str, str]) -> None:
    ended = program(
        "doctor", "--channel", "file:///no/such/folder", env={"CONDA_DOCKER_REGISTRY_URL": "http://127.0.0.1:9"}
    )
    assert ended.returncode == 1
    assert "error   channel file:///no/such/folder: not there" in ended.stdout
