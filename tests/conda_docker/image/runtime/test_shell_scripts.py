"""What shells of a container read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from conda_docker.image.runtime.shell_scripts import entrypoint_script, login_script

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]


def started(folder: Path, shell: str, script: str, variables: Mapping[str, str], command: str) -> str:
    """Return what a command prints that an entrypoint of this text starts."""
    program = folder / "programs" / "sh"
    program.parent.mkdir(exist_ok=True)
    program.symlink_to(str(shutil.which(shell)))
    entrypoint = folder / "entrypoint"
    entrypoint.write_text(script)
    given = {"PATH": str(program.parent), **variables}
    words: list[str | Path] = [program, entrypoint, program, "-c", command]
    return subprocess.run(words, env=given, capture_output=True, text=True, check=True).stdout


def activation_script(folder: Path, text: str) -> None:
    path = folder / "etc/conda/activate.d/a.sh"
    path.parent.mkdir(parents=True)
    path.write_text(text)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ({"DIRS": "/base:/own's\n dir", "N": "1", "ON": "1"}, "/base:/own's\n dir 1 defined"),
        ({"DIRS": "/mine", "N": "1", "ON": "1"}, "/mine:/own's\n dir 1 defined"),
        ({"DIRS": "/base", "N": "7", "ON": "1"}, "/base:/own's\n dir 8 defined"),
    ],
)
def test_scripts_find_variables_as_before_they_first_set_them(
    tmp_path: Path, shell: str, given: Mapping[str, str], printed: str
) -> None:
    activation_script(
        tmp_path,
        'export DIRS="$DIRS:/own\'s\n dir"\nexport N=$((${N:-0} + 1))\n'
        'if [ -z "${ON-}" ]; then export ON=1 DEFINED=defined; fi\n',
    )
    undone = {"DIRS": ("/base:/own's\n dir", "/base"), "N": ("1", None), "ON": ("1", None)}
    script = entrypoint_script(str(tmp_path), undone=undone)
    assert started(tmp_path, shell, script, given, 'echo "$DIRS $N $DEFINED"') == f"{printed}\n"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("given", "printed"), [({"A": "user's  own"}, "user's  own,,"), ({"A": ""}, ",,"), ({}, "script,,")]
)
def test_variables_that_are_kept(tmp_path: Path, shell: str, given: Mapping[str, str], printed: str) -> None:
    activation_script(tmp_path, "export A=script\n")
    script = entrypoint_script(str(tmp_path), kept=["A"])
    assert started(tmp_path, shell, script, given, 'echo "$A,$_kept_A,$_script"') == f"{printed}\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_of_an_environment_that_is_not_the_active_one(tmp_path: Path, shell: str) -> None:
    activation_script(tmp_path, "export A=$CONDA_PREFIX/a\n")
    script = entrypoint_script(str(tmp_path), undone={"A": (f"{tmp_path}/a", None)})
    given = {"A": f"{tmp_path}/a", "CONDA_PREFIX": "/opt/on-top"}
    assert started(tmp_path, shell, script, given, "echo $A") == f"{tmp_path}/a\n"


LOGIN = login_script("/opt/conda", {"CONDA_PREFIX": "/opt/conda", "A": "it's\nhere"}, "/opt/conda/extra:/opt/conda/bin")
LAST = login_script("/opt/conda", {"CONDA_PREFIX": "/opt/conda"}, "/opt/conda/bin", "/opt/conda/last")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("PATH=/usr/bin:/bin", "/opt/conda/extra:/opt/conda/bin:/usr/bin:/bin it's\nhere"),
        ("PATH=/bin CONDA_PREFIX=/opt/conda A=mine", "/opt/conda/extra:/opt/conda/bin:/bin mine"),
        ("PATH=/opt/conda/extra:/opt/conda/bin CONDA_PREFIX=/else", "/opt/conda/extra:/opt/conda/bin "),
    ],
)
def test_login_shells_that_start_without_variables_get_them(shell: str, given: str, printed: str) -> None:
    program = [str(shutil.which(shell)), *(["sh"] if shell == "busybox" else [])]
    command = [*program, "-c", f'export {given}\n{LOGIN}{LOGIN}echo "$PATH $A"']
    assert subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout == f"{printed}\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_login_shells_have_folders_that_come_last(shell: str) -> None:
    program = [str(shutil.which(shell)), *(["sh"] if shell == "busybox" else [])]
    command = [*program, "-c", f'PATH=/bin\n{LAST}{LAST}echo "$PATH"']
    printed = subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout
    assert printed == "/opt/conda/bin:/bin:/opt/conda/last\n"


@pytest.mark.parametrize(
    ("given", "printed"),
    [("PATH=/bin", "/b /b/bin:/a/bin:/bin"), ("PATH=/bin CONDA_PREFIX=/b", "/b /b/bin:/a/bin:/bin")],
)
def test_the_environment_on_top_is_the_active_one(given: str, printed: str) -> None:
    below = login_script("/a", {"CONDA_PREFIX": "/a"}, "/a/bin")
    top = login_script("/b", {"CONDA_PREFIX": "/b"}, "/b/bin", base_prefix="/a")
    command = ["sh", "-c", f'export {given}\n{below}{top}echo "$CONDA_PREFIX $PATH"']
    assert subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout == f"{printed}\n"
