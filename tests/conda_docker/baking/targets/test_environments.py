"""Which files describe environments, and what their images are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.baking.targets.environments import find_environments
from conda_docker.errors import EnvironmentNotFound

SPECS = "dependencies: [a]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which files can be written, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str, text: str = SPECS) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(*inputs: str) -> dict[str, str]:
    return {each.name: each.path.as_posix() for each in find_environments(inputs)}


def test_modules_in_the_style_of_nf_core(folder: Path) -> None:
    write("modules/nf-core/samtools/sort/environment.yml", "modules/nf-core/fastqc/environment.yml")
    write("modules/nf-core/fastqc/meta.yml", text="name: fastqc\ntools: []\n")
    assert sorted(names("modules")) == ["nf-core-fastqc", "nf-core-samtools-sort"]
    assert sorted(names("modules/nf-core")) == ["fastqc", "samtools-sort"]
    assert sorted(names("modules/nf-core/*/environment.yml")) == ["fastqc"]
    assert sorted(names("modules/nf-core/**/environment.yml")) == ["fastqc", "samtools-sort"]


def test_a_folder_of_named_files(folder: Path) -> None:
    write("envs/align.yml", "envs/call/Variant_Call.yaml", "envs/.hidden.yml", "envs/.git/x.yml")
    write("envs/config.yml", text="threads: 4\n")
    assert names("envs") == {"align": "envs/align.yml", "call-variant-call": "envs/call/Variant_Call.yaml"}


def test_the_most_exact_file_of_a_folder_counts(folder: Path) -> None:
    write("app/environment.yml", "app/conda-lock.yml", "app/pixi.toml", "app/environment-dev.yml")
    assert names("app") == {"app": "app/conda-lock.yml", "environment-dev": "app/environment-dev.yml"}


def test_files_one_by_one_are_told_apart_by_their_folders(folder: Path) -> None:
    write("a/sort/environment.yml", "b/sort/environment.yml", "b/view/environment.yml", "list.txt")
    found = names("a/sort/environment.yml", "b/sort/environment.yml", "b/view/environment.yml", "list.txt")
    assert list(found) == ["a-sort", "b-sort", "view", "list"]


def test_a_file_counts_once(folder: Path) -> None:
    write("a/environment.yml")
    assert len(find_environments(["a", "a/environment.yml", "*/environment.yml", folder / "a"])) == 1


def test_the_current_folder(folder: Path) -> None:
    write("environment.yml")
    [found] = find_environments(["."])
    assert found.name == folder.name.lower().replace("_", "-")


def test_a_pattern_of_folders(folder: Path) -> None:
    write("a1/environment.yml", "a2/environment.yml", "b/environment.yml")
    assert sorted(names("a*")) == ["a1", "a2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere", "there is no file or folder nowhere; packages are given to `build`"),
        ("no/where.yml", "there is no file or folder no/where.yml$"),
        ("*.nothing", r"no file matches \*.nothing"),
        ("empty", "nothing in empty describes an environment"),
    ],
)
def test_nothing_there(folder: Path, text: str, said: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(EnvironmentNotFound, match=said):
        find_environments([text])
