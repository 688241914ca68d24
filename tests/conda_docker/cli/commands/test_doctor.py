"""`conda-docker doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.conda_docker.conftest import Run
from tests.peers import Registry
from tests.python_docker.registry.certificates import self_signed


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


def test_a_registry_with_a_certificate_of_its_own(
    program: Run, start_registry: Callable[..., Registry], tmp_path: Path
) -> None:
    certified = self_signed(tmp_path / "tls")
    registry = start_registry(tls=(certified.certificate, certified.key_file))
    command, env = ("doctor", "--registry", registry.host), {"CONDA_DOCKER_REGISTRY_URL": registry.url}
    line = f"registry {registry.host}: answers"
    assert f"ok      {line}" not in program(*command, env=env).stdout
    for options in (["--insecure", registry.host], ["--cacert", str(certified.certificate)]):
        assert f"ok      {line}" in program(*command, *options, env=env).stdout
