"""All that the bytes of a layer of prefix files depend on is in its key."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.layers.recipe import Recipe
from conda_docker.prefix.folder import Kind
from conda_docker.prefix.key import layer_key
from conda_docker.prefix.survey import LocalFile, Share, Survey
from python_docker.streams.compression import Compression

RECIPE = Recipe("/opt/conda", "3.12", bytecode="3.12.1")


@pytest.fixture
def survey(tmp_path: Path) -> Survey:
    (tmp_path / "a.py").write_text("x = 1\n")
    os.utime(tmp_path / "a.py", (5, 5))
    (tmp_path / "link").symlink_to("a.py")
    (tmp_path / "folder").mkdir()
    files = (
        LocalFile("a.py", tmp_path / "a.py", Kind.FILE, Share.CHANGED),
        LocalFile("link", tmp_path / "link", Kind.LINK, Share.OWN),
        LocalFile("folder", tmp_path / "folder", Kind.FOLDER, Share.OWN),
    )
    return Survey(tmp_path, tmp_path, files)


def key(survey: Survey, recipe: Recipe = RECIPE, created: int = 7, bytecode: str | None = "3.12.1") -> str:
    return layer_key(survey, tuple(Share), recipe, created, bytecode)


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, (5, 5))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: rewrite(root / "a.py", "x = 2\n"),
        lambda root: os.utime(root / "a.py", (6, 6)),
        lambda root: (root / "a.py").chmod(0o755),
        lambda root: ((root / "link").unlink(), (root / "link").symlink_to("b.py")),
        lambda root: (root / "folder").chmod(0o700),
    ],
    ids=["content", "time", "mode", "link", "folder"],
)
def test_a_file_on_disk_counts(survey: Survey, change: Callable[[Path], object]) -> None:
    before = key(survey)
    assert key(survey) == before
    change(survey.root)
    assert key(survey) != before


@pytest.mark.parametrize(
    "change",
    [
        {"files": ()},
        {"deleted": ("b.py",)},
        {"deleted": ("b/c.py",), "emptied": ("b",)},
        {"compiled": frozenset({"a.py"})},
        {"given": Path("/elsewhere")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_found_counts(survey: Survey, change: dict[str, object]) -> None:
    assert key(replace(survey, **change)) != key(survey)  # type: ignore[arg-type]


def test_the_share_and_the_place_of_a_file_count(survey: Survey) -> None:
    first, *rest = survey.files
    for changed in (replace(first, share=Share.OWN), replace(first, place="b.py")):
        assert key(replace(survey, files=(changed, *rest))) != key(survey)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("/opt/other", "3.12", bytecode="3.12.1"),
        Recipe("/opt/conda", "3.13", bytecode="3.12.1"),
        Recipe("/opt/conda", "3.12", bytecode=None),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", site_packages="lib/other"),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", compression=Compression.ZSTD),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", level=9),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", trim=True),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", exclude=("*.pyi",)),
        Recipe("/opt/conda", "3.12", bytecode="3.12.1", place="/mnt/conda"),
    ],
)
def test_the_recipe_counts(survey: Survey, recipe: Recipe) -> None:
    assert key(survey, recipe) != key(survey)


def test_the_compiler_and_the_time_count(survey: Survey) -> None:
    assert len({key(survey), key(survey, bytecode=None), key(survey, created=8)}) == 3
