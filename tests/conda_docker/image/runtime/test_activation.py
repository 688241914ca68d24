"""What activation comes to in an image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conda_docker.build_options import Activate
from conda_docker.environment.active import PASSED_OVER
from conda_docker.image.runtime.activation import (
    DEFAULT_PATH,
    Activation,
    activate,
    state_file,
    with_scripts,
)
from conda_docker.image.runtime.shell_scripts import entrypoint_script
from conda_docker.scripts.activation_scripts import Evaluated


def run(mode: Activate = Activate.AUTO, **changes: object) -> Activation:
    fields: dict[str, object] = {
        "base_variables": {},
        "package_variables": {},
        "environment_variables": {},
        "scripts": [],
    }
    return activate(mode, "/opt/conda", **(fields | changes))  # type: ignore[arg-type]


def scripted(scripts: list[str], evaluated: Evaluated, mode: Activate = Activate.AUTO, **declared: str) -> Activation:
    activation = run(mode, scripts=scripts)
    before = {**activation.variables, **declared}
    return with_scripts(activation, "/opt/conda", scripts, evaluated, before=before, declared=declared)


def test_path_comes_before_the_base_image_s() -> None:
    assert run(base_variables={"PATH": "/usr/bin"}).variables["PATH"] == "/opt/conda/bin:/usr/bin"
    assert run().variables["PATH"] == f"/opt/conda/bin:{DEFAULT_PATH}"
    assert run(base_variables={"PATH": "/a:/opt/conda/bin:/b"}).variables["PATH"] == "/opt/conda/bin:/a:/b"


def test_the_environment_s_own_variables_win_over_packages_and_later_files_over_earlier() -> None:
    variables = run(
        package_variables={"b.json": {"x": "later", "y": "1"}, "a.json": {"x": "earlier"}},
        environment_variables={"y": "2"},
    ).variables
    assert (variables["X"], variables["Y"]) == ("later", "2")


def test_names_are_kept_and_set_in_upper_case_too() -> None:
    variables = run(
        environment_variables={"http_proxy": "a", "Ompi_x": "b", "OMPI_X": "c", "gone": "***unset***"}
    ).variables
    assert (variables["http_proxy"], variables["HTTP_PROXY"]) == ("a", "a")
    assert (variables["Ompi_x"], variables["OMPI_X"]) == ("b", "c")
    assert not {"gone", "GONE"} & variables.keys()


def test_variables_of_an_environment_have_one_order() -> None:
    one = run(environment_variables={"B": "1", "a": "2", "Mine": "3", "mINE": "4"})
    other = run(environment_variables={"mINE": "4", "Mine": "3", "a": "2", "B": "1"})
    assert list(one.variables.items()) == list(other.variables.items())


def test_path_and_impossible_names_are_left_out_with_a_note() -> None:
    activation = run(environment_variables={"path": "/evil", "a b": "1"})
    assert activation.variables["PATH"].startswith("/opt/conda/bin")
    assert len(activation.notes) == 2


def test_scripts_bring_an_entrypoint_unless_only_variables_are_wanted() -> None:
    scripts = ["etc/conda/activate.d/gcc.sh"]
    assert run(scripts=scripts).entrypoint is not None
    assert run().entrypoint is None
    only_variables = run(Activate.ENV, scripts=scripts)
    assert only_variables.entrypoint is None
    assert run(Activate.ENTRYPOINT).entrypoint is not None
    assert run(Activate.NEVER, scripts=scripts) == Activation({}, None)


def test_without_a_shell_there_is_no_entrypoint() -> None:
    activation = run(scripts=["etc/conda/activate.d/gcc.sh"], shell=None)
    assert activation.entrypoint is None
    assert "no shell" in activation.notes[0]


def test_what_scripts_set_is_a_variable_of_the_image() -> None:
    scripts = ["etc/conda/activate.d/gcc.sh"]
    found = scripted(scripts, Evaluated({"CC": "gcc"}, ("OLD",)))
    assert found.scripted == {"CC": "gcc"}
    assert found.notes == ("activation scripts (gcc.sh) unset OLD: only the entrypoint can do that",)


@pytest.mark.parametrize(
    ("declared", "kept"), [("", True), ("mine", True), ("gcc", False), ("-O2", False), ("gcc -O2 -g", True)]
)
def test_what_is_declared_goes_before_scripts_that_do_not_add_to_it(declared: str, kept: bool) -> None:
    found = scripted(["etc/conda/activate.d/gcc.sh"], Evaluated({"CC": "gcc -O2"}), CC=declared)
    assert found.scripted == ({} if kept else {"CC": "gcc -O2"})
    assert ("the value given with --env stays" in "".join(found.notes)) is kept


def test_a_declared_variable_that_a_script_unsets_stays() -> None:
    found = scripted(["etc/conda/activate.d/gcc.sh"], Evaluated({}, ("CC", "OLD")), CC="mine")
    assert [note.rpartition(") ")[2] for note in found.notes] == [
        "unset OLD: only the entrypoint can do that",
        "would change CC; the value given with --env stays",
    ]


def test_what_only_shells_have_of_scripts_is_said() -> None:
    scripts = ["etc/conda/activate.d/gcc.sh", "etc/conda/activate.d/r.sh"]
    evaluated = Evaluated({}, only_in_shells=("f()",), passed_over=("/opt/conda/etc/conda/activate.d/r.sh",))
    passed, functions = scripted(scripts, evaluated).notes
    assert "skipped, since the image's shell cannot run them to the end (r.sh)" in passed
    assert "(gcc.sh, r.sh) set f()" in functions


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("text", [". /nosuch", "if then", "readonly A; A=2", "set -eu; false"])
def test_bash_called_sh_ends_at_no_script(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "etc/conda/activate.d"
    folder.mkdir(parents=True)
    (folder / "a.sh").write_text(text)
    (folder / "b.sh").write_text("export B=$A$NONE$?\n")
    (tmp_path / "sh").symlink_to(str(shutil.which("bash")))
    script = tmp_path / "entrypoint"
    script.write_text(entrypoint_script(str(tmp_path), str(tmp_path / "sh")))
    command: list[str | Path] = [tmp_path / "sh", script, tmp_path / "sh", "-c", "echo started"]
    assert subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout == "started\n"


@pytest.mark.parametrize(
    ("mode", "note"), [(Activate.AUTO, "known only to what the image's entrypoint starts"), (Activate.ENV, "not run")]
)
def test_scripts_that_cannot_be_run_here_are_named(mode: Activate, note: str) -> None:
    scripts = ["etc/conda/activate.d/gcc.sh"]
    found = scripted(scripts, Evaluated({}, problem="no bwrap"), mode)
    assert note in found.notes[0]
    assert "gcc.sh" in found.notes[0]
    assert "no bwrap" in found.notes[0]


@pytest.mark.parametrize("shell", [name for name in ("dash", "bash", "busybox") if shutil.which(name)])
def test_a_script_that_the_shell_cannot_parse_takes_no_container_down(tmp_path: Path, shell: str) -> None:
    folder = tmp_path / "etc/conda/activate.d"
    folder.mkdir(parents=True)
    (folder / "a.sh").write_text("function f() { echo x; }\nexport A=1\n")
    (folder / "b.sh").write_text("export B=2\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to(str(shutil.which(shell)))
    script = tmp_path / "entrypoint"
    script.write_text(entrypoint_script(str(tmp_path), str(tmp_path / "bin/sh")))
    command: list[str | Path] = [tmp_path / "bin/sh", script, tmp_path / "bin/sh", "-c", "echo $A $B"]
    ended = subprocess.run(command, env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, check=True)
    assert ended.stdout == ("2\n" if shell == "dash" else "1 2\n")
    assert (f"a.sh {PASSED_OVER}" in ended.stderr) is (shell == "dash")


@pytest.mark.parametrize("shell", [name for name in ("dash", "bash", "busybox") if shutil.which(name)])
@pytest.mark.parametrize("text", ["exit 3", "exit 0", 'set -u; export A="$NOSUCH"', "exec true", "trap : EXIT; exit 1"])
def test_a_script_that_ends_its_shell_takes_no_container_down(tmp_path: Path, shell: str, text: str) -> None:
    folder = tmp_path / "etc/conda/activate.d"
    folder.mkdir(parents=True)
    (folder / "a.sh").write_text(text)
    (folder / "b.sh").write_text("export B=2\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to(str(shutil.which(shell)))
    script = tmp_path / "entrypoint"
    script.write_text(entrypoint_script(str(tmp_path), str(tmp_path / "bin/sh")))
    command: list[str | Path] = [tmp_path / "bin/sh", script, tmp_path / "bin/sh", "-c", "echo started $B"]
    ended = subprocess.run(command, env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, check=True)
    assert ended.stdout == "started 2\n"
    assert f"a.sh {PASSED_OVER}" in ended.stderr


def test_the_default_environment_is_named_as_conda_names_it() -> None:
    assert run(is_root_prefix=True).variables["CONDA_DEFAULT_ENV"] == "base"
    assert run().variables["CONDA_DEFAULT_ENV"] == "/opt/conda"
    named = activate(
        Activate.ENV,
        "/opt/conda/envs/app",
        base_variables={},
        package_variables={},
        environment_variables={},
        scripts=[],
    )
    assert named.variables["CONDA_DEFAULT_ENV"] == "app"


def test_the_entrypoint_sources_every_script_and_becomes_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "it's here" / "etc/conda/activate.d"
    folder.mkdir(parents=True)
    (folder / "a.sh").write_text("export A=1\n")
    (folder / "b.sh").write_text("export B=$A$A\n")
    (folder / "ignored.txt").write_text("exit 9\n")
    script = tmp_path / "entrypoint"
    script.write_text(entrypoint_script(str(tmp_path / "it's here")))
    done = subprocess.run(
        ["sh", str(script), "sh", "-c", 'echo "$A $B $1"', "x", "an argument"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    assert done.stdout == "1 11 an argument\n"


def test_the_entrypoint_works_without_any_script(tmp_path: Path) -> None:
    script = tmp_path / "entrypoint"
    script.write_text(entrypoint_script(str(tmp_path)))
    assert subprocess.run(["sh", str(script), "echo", "hi"], capture_output=True, check=True).stdout == b"hi\n"


def test_the_state_file_is_conda_s() -> None:
    assert json.loads(state_file({"b": "2", "a": "1"})) == {"env_vars": {"a": "1", "b": "2"}}


def test_an_activation_is_read_from_its_record() -> None:
    made = Activation({"PATH": "/p/bin"}, entrypoint_script("/p"), (), {"A": "1"}, "/base", {"A": "0"}, ("B",))
    found = Activation({}, entrypoint_script("/p")).with_record(made.to_json(), "/p", "/bin/sh")
    undone = entrypoint_script("/p", undone={"A": ("1", "0")}, kept=["B"])
    assert found == made._replace(entrypoint=undone)


@pytest.mark.parametrize(
    "record",
    [
        {"variables": {"A": 1}},
        {"scripted": {"A": None}},
        {"before": {"A": []}},
        {"basePrefix": ["/p"]},
        {"kept": ["a b"]},
        {"variables": {"A;x": "1"}},
        {"variables": 1},
    ],
)
def test_a_record_that_no_build_writes_is_refused(record: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Activation({}, "text").with_record(record, "/p", "/bin/sh")
