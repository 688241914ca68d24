"""The first kind of sandbox that works is taken; without any, the reasons of all are given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conda_docker.errors import SandboxUnavailable
from conda_docker.sandbox.find import KINDS, find_sandbox
from tests.conda_docker.sandboxes import sandbox_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no sandbox at all")


def refusing(folder: Path, words: str) -> str:
    """Return PATH for a bwrap that refuses every sandbox."""
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_bubblewrap_is_taken_first(bwrap: object) -> None:
    assert find_sandbox().program.endswith("bwrap")


def test_without_bubblewrap_the_machines_own_namespaces_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox_of(KINDS[-1])
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_sandbox().name == "user namespaces"


def test_a_bubblewrap_that_makes_none_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sandbox_of(KINDS[-1])
    monkeypatch.setenv("PATH", refusing(tmp_path, "bwrap: setting up uid map: Permission denied"))
    assert find_sandbox().name == "user namespaces"


def test_an_old_bubblewrap_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bwrap: object) -> None:
    real = find_sandbox().program
    program = tmp_path / "bwrap"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *--disable-userns*) echo "bwrap: Unknown option" >&2; exit 1; esac\n'
        f'exec {real} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert (find_sandbox().name, find_sandbox().program) == ("bubblewrap before 0.8", str(program))


def test_where_there_is_none_the_reasons_of_all_are_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", refusing(tmp_path, "bwrap: No permissions to create a new namespace"))
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        'for word; do case "$word" in */bwrap) exec "$word"; esac; done\n'
        "echo 'cannot make a sandbox: unshare: Operation not permitted' >&2; exit 125\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(SandboxUnavailable) as found:
        find_sandbox()
    said = str(found.value)
    assert said.count("No permissions to create a new namespace") == 1
    assert f"{python}: cannot make a sandbox: unshare: Operation not permitted. Allow user namespaces" in said


def test_a_bubblewrap_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("conda_docker.sandbox.find.KINDS", KINDS[:2])
    with pytest.raises(SandboxUnavailable, match=r"none can be made here: bwrap is not on PATH\."):
        find_sandbox()


def test_a_program_without_a_python_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(SandboxUnavailable, match="has none of its own"):
        find_sandbox()


def test_other_systems_have_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="needs Linux"):
        find_sandbox()
