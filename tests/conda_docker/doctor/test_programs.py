"""Checks of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.doctor.check import Check, Status
from conda_docker.doctor.programs import check_programs


def checks() -> dict[str, Check]:
    return {check.subject: check for check in check_programs()}


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of programs, which are all that there is but for a shell."""
    monkeypatch.setenv("PATH", str(home / "bin"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/no.sock")
    return home / "bin"


def test_what_is_not_needed_may_be_missing(programs: Path) -> None:
    found = checks()
    assert {found[name].status for name in ("conda", "mamba", "micromamba", "pixi", "engine")} == {Status.OK}
    assert "needed only for --load" in found["engine"].found


def test_a_program_is_shown_with_its_version(programs: Path) -> None:
    program(programs, "conda", "echo conda 25.1.0")
    assert checks()["conda"].found == f"25.1.0, {programs}/conda"


def test_a_program_that_fails_is_a_warning(programs: Path) -> None:
    program(programs, "pixi", "echo broken >&2; exit 3")
    found = checks()["pixi"]
    assert found.status is Status.WARNING
    assert "exit code 3: broken" in found.found
