"""Where files go, and which cannot go anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.placement import Placement, place_files
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from tests.conda_docker.packages import SyntheticPackage


def place(folder: Path, *paths: str, filter: FileFilter = KEEP_ALL) -> Placement:
    package = SyntheticPackage(name="a", files=dict.fromkeys(paths, "x"))
    return place_files(open_package(package.write(folder, ".tar.bz2")), Prefix("/opt/conda"), filter=filter)


@pytest.mark.parametrize("path", [".wh.f", "lib/.wh..wh..opq", "lib/.wh.d/f"])
def test_names_that_delete_files_of_lower_layers_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidPackage, match="which no image can hold") as error:
        place(tmp_path, path)
    assert path in str(error.value)


def test_a_name_like_a_whiteout_that_is_excluded_does_no_harm(tmp_path: Path) -> None:
    assert list(place(tmp_path, "f", ".wh.f", filter=FileFilter(exclude=(".wh.*",))).places()) == ["f"]


def test_names_that_only_hold_the_marker_of_whiteouts(tmp_path: Path) -> None:
    assert list(place(tmp_path, "a.wh.b").places()) == ["a.wh.b"]


@pytest.mark.parametrize("name", ["n" * 256, "é" * 128])
def test_names_that_no_file_system_takes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidPackage, match="a name of 256 bytes"):
        place(tmp_path, f"lib/{name}")


def test_long_paths_of_short_names(tmp_path: Path) -> None:
    path = "/".join(["n" * 255] * 3)
    assert list(place(tmp_path, path).places()) == [path]


def test_a_file_below_a_file(tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="a", noarch="python", files={"site-packages/x": "x", "lib/python3.12/site-packages": "y"}
    )
    opened = open_package(package.write(tmp_path, ".tar.bz2"))
    with pytest.raises(InvalidPackage, match="both as a file and as a folder"):
        place_files(opened, Prefix("/opt/conda", "3.12"), filter=KEEP_ALL)
