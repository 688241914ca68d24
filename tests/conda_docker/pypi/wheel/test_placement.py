from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.link.filter import KEEP_ALL
from conda_docker.link.prefix import Prefix
from conda_docker.pypi.wheel.archive import open_wheel
from conda_docker.pypi.wheel.placement import WheelPlacement, place_wheel
from tests.conda_docker.pypi.wheels import make_wheel

PREFIX = Prefix("/opt/conda", "3.12")


def place(path: Path) -> WheelPlacement:
    wheel = open_wheel(path)
    with wheel.reading() as reader:
        return place_wheel(wheel, reader, PREFIX, filter=KEEP_ALL)


def test_each_scheme_has_its_folder(tmp_path: Path) -> None:
    schemes = ("purelib", "platlib", "scripts", "headers", "data")
    files = {f"demo-1.0.data/{scheme}/{scheme}.x": "" for scheme in schemes}
    places = {Path(place_).name: place_ for place_ in place(make_wheel(tmp_path, files=files)).places()}
    assert places["purelib.x"] == "lib/python3.12/site-packages/purelib.x"
    assert places["platlib.x"] == "lib/python3.12/site-packages/platlib.x"
    assert places["scripts.x"] == "bin/scripts.x"
    assert places["headers.x"] == "include/python3.12/demo/headers.x"
    assert places["data.x"] == "data.x"


@pytest.mark.parametrize(
    "points",
    [
        "[console_scripts]\n../../evil = demo:main\n",
        "[console_scripts]\nx = demo:main; import os\n",
        "[console_scripts]\nx = demo\n",
        "[console_scripts]\nx = demo:main()\n",
        "[console_scripts]\nx = demo:main\n  import os\n",
        "[console_scripts\n",
        "[console_scripts]\n.. = demo:main\n",
        "[console_scripts]\nx = demo:%(y)s\n",
    ],
)
def test_entry_points_that_cannot_be_used_are_refused(tmp_path: Path, points: str) -> None:
    with pytest.raises(InvalidPackage, match=r"demo-1\.0-py3-none-any\.whl"):
        place(make_wheel(tmp_path, metadata={"entry_points.txt": points}))


@pytest.mark.parametrize("target", ["my-module:main", "demo:a-b", "1demo:main", "demo.class:main", "demo..a:main"])
def test_commands_that_cannot_run_are_named(tmp_path: Path, target: str) -> None:
    points = f"[console_scripts]\nx = {target}\ny = demo : main [extra]\n"
    placement = place(make_wheel(tmp_path, metadata={"entry_points.txt": points}))
    assert list(placement.entry_points) == ["bin/x", "bin/y"]
    [note] = placement.notes
    assert f"the command x cannot run: {target} " in note


def test_two_files_for_one_place_are_refused(tmp_path: Path) -> None:
    files = {"demo.py": "1", "demo-1.0.data/purelib/demo.py": "2"}
    with pytest.raises(InvalidPackage, match=r"two files for 'lib/python3\.12/site-packages/demo\.py'"):
        place(make_wheel(tmp_path, files=files))


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match="both as a file and as a folder"):
        place(make_wheel(tmp_path, files={"demo": "", "demo-1.0.data/purelib/demo/x": ""}))


def test_an_unknown_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match=r"valid \.data subdirectory"):
        place(make_wheel(tmp_path, files={"demo-1.0.data/system/etc/passwd": ""}))


@pytest.mark.parametrize("more", ["", "pip3.99 = pip.cli:main\n"])
def test_pip_gets_a_command_for_the_version_of_python(tmp_path: Path, more: str) -> None:
    points = f"[console_scripts]\npip = pip.cli:main\npip3 = pip.cli:main\n{more}"
    placement = place(make_wheel(tmp_path, "pip", metadata={"entry_points.txt": points}))
    assert list(placement.entry_points) == ["bin/pip", "bin/pip3", "bin/pip3.12"]


def test_a_file_in_place_of_the_folder_of_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match=r"'demo-1\.0\.data' as a file"):
        place(make_wheel(tmp_path, files={"demo-1.0.data": ""}))
