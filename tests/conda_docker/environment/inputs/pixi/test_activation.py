"""Scripts that activating a pixi environment sources, and variables that it sets."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conda_docker.environment.inputs.pixi.activation import exports
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment
from tests.conda_docker.environment.inputs.pixi.workspaces import WORKSPACE, composed


def read(folder: Path, text: str, environment: str | None = None) -> EnvironmentSpec:
    for name in ("a", "b", "c"):
        (folder / f"{name}.sh").write_text(f"export {name.upper()}=1\n")
    return composed(f"{WORKSPACE}{text}\n", environment, folder=folder)


def names(spec: EnvironmentSpec) -> list[str]:
    return [script.name for script in spec.scripts]


def test_scripts_in_the_order_of_features(tmp_path: Path) -> None:
    text = (
        "[activation]\nscripts = ['b.sh', './a.sh']\n[feature.x.activation]\nscripts = ['c.sh']\n"
        "[environments]\nx = ['x']"
    )
    assert names(read(tmp_path, text)) == ["b.sh", "a.sh"]
    found = read(tmp_path, text, "x")
    assert names(found) == ["c.sh", "b.sh", "a.sh"]
    assert found.scripts[0].text == "export C=1\n"


def test_scripts_of_a_target_replace_the_general_ones(tmp_path: Path) -> None:
    text = (
        "[activation]\nscripts = ['a.sh']\n[target.linux-64.activation]\nscripts = ['b.sh']\n"
        "[target.win-64.activation]\nscripts = ['gone.bat']"
    )
    assert names(read(tmp_path, text)) == ["b.sh"]
    assert names(read(tmp_path, text.replace("linux-64", "osx-64"))) == ["a.sh"]


def test_scripts_for_other_shells_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "d.bash").write_text("export D=1\n")
    found = read(tmp_path, "[activation]\nscripts = ['gone.bat', 'd.bash']")
    assert names(found) == ["d.sh"]
    assert found.warnings == (
        "line 6 of pixi.toml: `activation.scripts`: 'gone.bat' is not a .sh file and is passed over",
    )


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("gone.sh", "cannot be read: No such file or directory"),
        ("../a.sh", "cannot be used: a path may not hold '..'"),
        ("/a.sh", "cannot be used: it should be relative to the manifest"),
        ("link.sh", "cannot be used: a link leads out of the manifest's folder"),
        ("binary.sh", "is not text in UTF-8"),
        ("large.sh", "cannot be read: it has more than 64 KiB"),
        ("folder.sh", "cannot be read"),
    ],
)
def test_scripts_that_cannot_be_had(tmp_path: Path, path: str, problem: str) -> None:
    folder = tmp_path / "project"
    (folder / "folder.sh").mkdir(parents=True)
    (tmp_path / "outside.sh").write_text("secret")
    (folder / "link.sh").symlink_to("../outside.sh")
    (folder / "binary.sh").write_bytes(b"\xff")
    (folder / "large.sh").write_bytes(b"#" * (65 << 10))
    with pytest.raises(InvalidEnvironment) as caught:
        read(folder, f"[activation]\nscripts = ['a.sh', '{path}']")
    assert str(caught.value).startswith("line 6 of pixi.toml: `activation.scripts` names ")
    assert problem in str(caught.value)


def test_a_link_inside_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "link.sh").symlink_to("a.sh")
    assert read(tmp_path, "[activation]\nscripts = ['link.sh']").scripts[0].text == "export A=1\n"


def test_variables_that_refer_to_others(tmp_path: Path) -> None:
    found = read(tmp_path, "[activation.env]\nPLAIN = 'x'\nDATA = '$CONDA_PREFIX/share'\nOLD = '%HOME%'")
    assert found.variables == {"PLAIN": "x"}
    assert [(script.name, script.text) for script in found.scripts] == [
        ("variables.sh", 'export DATA="$CONDA_PREFIX/share"\n')
    ]
    assert found.warnings == (
        "the variable OLD refers to others as Windows does (%HOME%): it is not set; --env can set it",
    )


def test_variables_are_set_after_scripts(tmp_path: Path) -> None:
    found = read(tmp_path, "[activation]\nscripts = ['a.sh']\nenv = { A = '2' }")
    assert (names(found), found.scripts[1].text) == (["a.sh", "variables.sh"], 'export A="2"\n')


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$A/b", "a/b"),
        ("${A}b", "ab"),
        ("${NONE:-x}", "x"),
        ('$(id) `id` $$ $1 "q" \\n 5$', '$(id) `id` $$ $1 "q" \\n 5$'),
        ("${A", "${A"),
        ("a\nb", "a\nb"),
    ],
)
def test_nothing_but_variables_is_replaced(value: str, expected: str) -> None:
    command = ["/bin/sh", "-c", exports({"X": value}) + 'printf %s "$X"']
    assert subprocess.run(command, capture_output=True, text=True, check=True, env={"A": "a"}).stdout == expected
