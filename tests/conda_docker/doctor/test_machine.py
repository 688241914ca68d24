"""Checks of the machine itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cache.folder import CacheFolder
from conda_docker.doctor import machine
from conda_docker.doctor.check import Check, Status
from conda_docker.errors import SandboxUnavailable


def checks(cache: Path) -> dict[str, Check]:
    return {check.subject: check for check in machine.check_machine(CacheFolder(cache))}


def test_an_ordinary_machine_has_no_errors(tmp_path: Path) -> None:
    found = checks(tmp_path / "cache")
    assert {check.status for check in found.values()} <= {Status.OK, Status.WARNING}
    assert "py-rattler" in found["versions"].found
    assert str(tmp_path) in found["cache"].found


def test_nothing_is_written(tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    checks(tmp_path / "cache")
    assert set(tmp_path.rglob("*")) == before


def test_a_cache_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    found = checks(tmp_path / "cache")["cache"]
    assert (found.status, found.advice is not None) == (Status.ERROR, True)


def test_a_missing_sandbox_is_a_warning_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> None:
        raise SandboxUnavailable("bwrap is not on PATH")

    monkeypatch.setattr(machine, "find_sandbox", unavailable)
    found = checks(tmp_path)["sandbox"]
    assert (found.status, found.found) == (Status.WARNING, "bwrap is not on PATH")


def test_little_space_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LITTLE_SPACE", 1 << 62)
    assert checks(tmp_path)["free space for the cache"].status is Status.WARNING


def test_a_temporary_folder_that_is_not_there_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert checks(tmp_path)["TMPDIR"].status is Status.WARNING
