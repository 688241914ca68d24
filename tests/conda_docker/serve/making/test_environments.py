"""Environments of a server, as files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.baking.targets.environments import find_environments
from conda_docker.serve.errors import NameUnknown
from conda_docker.serve.making.environments import environment_files, find_environment


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("dependencies: [python]\n")


def test_names_are_those_of_a_bake(tmp_path: Path) -> None:
    write(tmp_path, "Analysis.yml", "RNA_seq.yml", "modules/samtools/sort/environment.yml", "plot/pixi.toml")
    (tmp_path / "notes.yml").write_text("todo: nothing\n")
    served = dict(environment_files(tmp_path))
    assert set(served) == {"analysis", "rna-seq", "modules-samtools-sort", "plot", "notes"}
    for baked in find_environments([tmp_path]):
        assert served[baked.name] == baked.path == find_environment(tmp_path, baked.name)


def test_lock_files_and_projects_that_a_bake_leaves_alone(tmp_path: Path) -> None:
    write(tmp_path, "exact.lock", "list.txt", "project/pyproject.toml", "notes.md", "a b.yml", "empty/x")
    write(tmp_path, "plot/environment.yml", "plot/conda-docker.lock", "plot/pyproject.toml")
    found = {name: path.name for name, path in environment_files(tmp_path)}
    expected = {"exact": "exact.lock", "list": "list.txt", "plot": "conda-docker.lock", "project": "pyproject.toml"}
    assert found == expected | {"a-b": "a b.yml"}


def test_the_name_that_a_file_has(tmp_path: Path) -> None:
    write(tmp_path, "RNA_seq.yml")
    assert find_environment(tmp_path, "rna_seq") == find_environment(tmp_path, "rna-seq")


def test_a_file_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "analysis.yml"
    file.parent.mkdir()
    file.write_text("todo: nothing\n")
    assert not list(environment_files(tmp_path))
    file.write_text("dependencies: [python]\n")
    assert [name for name, _ in environment_files(tmp_path)] == ["deep-analysis"]


def test_a_link_out_of_the_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    write(tmp_path, "secret.yml")
    (tmp_path / "envs" / "secret.yml").symlink_to(tmp_path / "secret.yml")
    (tmp_path / "envs" / "up").symlink_to(tmp_path)
    assert not list(environment_files(tmp_path / "envs"))
    with pytest.raises(NameUnknown):
        find_environment(tmp_path / "envs", "secret")


def test_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "plot.yml").touch()
    with pytest.raises(NameUnknown, match="no environment 'analysis'"):
        find_environment(tmp_path, "analysis")
    with pytest.raises(NameUnknown, match="no environment"):
        find_environment(None, "analysis")
