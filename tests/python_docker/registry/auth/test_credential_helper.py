"""Credential helpers that do not end, or do not end to print."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.errors import CredentialsError
from python_docker.registry.auth import credential_helper
from python_docker.registry.auth.credential_helper import ask_helper

Ask = Callable[[str], tuple[str, str] | None]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Return a function that asks a helper made of a shell script; its working folder is kept in `cwd`."""
    (tmp_path / "bin").mkdir()

    def run(script: str) -> tuple[str, str] | None:
        program = tmp_path / "bin" / "docker-credential-mine"
        program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nls -a > {tmp_path}/cwd\n{script}\n")
        program.chmod(0o755)
        environ = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)}
        return ask_helper("mine", "example.org", environ, must_exist=True)

    return run


def group_is_gone(group: int) -> bool:
    for _ in range(6000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("script", ["sleep 1000", "exec >&-; sleep 1000", "trap '' TERM; sleep 1000 & sleep 1000"])
def test_one_that_hangs_is_ended_whole(ask: Ask, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0.5, 5.0, 50.0):  # until it has the time to begin
        monkeypatch.setattr(credential_helper, "_TIMEOUT", seconds)
        with pytest.raises(CredentialsError, match=r"docker-credential-mine gave no answer for example\.org within"):
            ask(script)
        if (tmp_path / "cwd").exists():
            break
    assert group_is_gone(int((tmp_path / "pid").read_text()))


def test_what_leaves_the_session_is_not_waited_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_helper, "_TIMEOUT", 0.3)
    with pytest.raises(CredentialsError, match="gave no answer"):
        ask("setsid sleep 3 & sleep 1000")


def test_one_that_prints_without_end_is_ended(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="more than 1 MiB"):
        ask("exec yes")
    assert group_is_gone(int((tmp_path / "pid").read_text()))


def test_what_it_leaves_running_is_not_waited_for(ask: Ask) -> None:
    answer = """printf '{"Username": "alice", "Secret": "secret"}'"""
    assert ask(f"{answer}; sleep 2 >/dev/null &") == ("alice", "secret")


def test_messages_go_nowhere(ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask("""echo noise >&2; printf '{"Username": "alice", "Secret": "secret"}'""") == ("alice", "secret")
    assert capfd.readouterr().err == ""


def test_it_starts_in_an_empty_folder(ask: Ask, tmp_path: Path) -> None:
    ask("echo credentials not found in native keychain; exit 1")
    assert (tmp_path / "cwd").read_text().split() == [".", ".."]


def test_the_working_folder_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program := tmp_path / "docker-credential-mine").write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CredentialsError, match="not on PATH"):
        ask_helper("mine", "example.org", {"PATH": "::.:/nonexistent"}, must_exist=True)


def test_control_characters_of_its_message_are_not_shown(ask: Ask) -> None:
    with pytest.raises(CredentialsError) as caught:
        ask(r"printf 'locked\033[31m\n'; exit 1")
    assert str(caught.value).isprintable()


def test_one_that_cannot_be_run(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-mine"
    program.write_text("#!/nowhere/to/be/found\n")
    program.chmod(0o755)
    with pytest.raises(CredentialsError, match="docker-credential-mine cannot be run: No such file or directory"):
        ask_helper("mine", "example.org", {"PATH": str(tmp_path), "HOME": str(tmp_path)}, must_exist=True)
