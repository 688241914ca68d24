"""Packages are what the channel says, where layers rest on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPackage
from conda_docker.layers.making.opened import open_member
from conda_docker.layers.making.write import write_layer
from conda_docker.layers.recipe import Recipe
from conda_docker.link.filter import KEEP_ALL
from conda_docker.link.prefix import Prefix
from python_docker.image.blob_store import temporary_writer
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import File, Symlink, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel

HERE = Prefix("/opt/conda", "3.12")


@pytest.mark.parametrize("change", [{"name": "b"}, {"version": "2.0"}, {"build": "1"}], ids=str)
def test_a_package_of_another_name_than_asked_for_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    with pytest.raises(InvalidPackage, match=r"is a-1\.0-0, and the channel says that it is"):
        open_member(replace(locked(archive), **change), archive)


@pytest.mark.parametrize(("own", "said"), [("python", None), (None, "python"), ("python", "generic")])
def test_a_channel_that_is_wrong_about_noarch_is_refused(own: str | None, said: str | None, tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", noarch=own, files={"site-packages/x.py": "x"}).write(tmp_path)
    with pytest.raises(InvalidPackage, match="and the channel says that it is"):
        open_member(replace(locked(archive), noarch=said), archive)


def test_generic_packages_are_linked_as_others(tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", noarch="generic", files={"x": "x"}).write(tmp_path)
    opened = open_member(replace(locked(archive), noarch=None), archive)
    assert opened.paths(HERE, filter=KEEP_ALL, tag=None) == ["x"]


def test_hashes_that_the_channel_does_not_have_are_recorded(tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    layer, _ = write_layer(Recipe("/opt/conda"), [replace(locked(archive), md5=None)], [archive], temporary_writer)
    contents = {entry.path: content.read() for entry, content in layer.entries()}
    record = json.loads(contents["opt/conda/conda-meta/a-1.0-0.json"])
    assert len(record["md5"]) == 32
    assert record["size"] == archive.stat().st_size


def test_links_of_noarch_packages_are_where_the_python_has_them(tmp_path: Path) -> None:
    files: dict[str, File | Symlink | str] = {"site-packages/m.py": "x", "site-packages/n.py": Symlink("m.py")}
    archive = SyntheticPackage(name="a", noarch="python", files=files).write(tmp_path)
    assert open_member(locked(archive), archive).links(HERE) == {f"{HERE.site_packages}/n.py": "m.py"}


def test_what_a_wheel_replaces_of_a_package(tmp_path: Path) -> None:
    site = HERE.site_packages
    files = {
        f"{site}/demo.py": "x",
        f"{site}/demo-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1\n",
        f"{site}/demo-1.dist-info/RECORD": "demo.py,,\ndemo-1.dist-info/METADATA,,\ndemo-1.dist-info/RECORD,,\n",
        "share/demo": "x",
    }
    archive = SyntheticPackage(name="demo", files=files).write(tmp_path)
    opened = open_member(locked(archive), archive)
    paths = opened.paths(HERE, filter=KEEP_ALL, tag=None)
    assert opened.replaced_paths(paths, ["demo"], HERE) == frozenset(paths) - {"share/demo"}
    assert opened.replaced_paths(paths, [], HERE) == frozenset()
    assert opened.replaced_paths(paths, ["demo"], Prefix("/opt/conda")) == frozenset()


def test_a_wheel_has_no_links_and_nothing_of_it_is_replaced(tmp_path: Path) -> None:
    archive = make_wheel(tmp_path, files={"demo.py": "x = 1"})
    opened = open_member(LockedWheel(name="demo", version="1.0", url=archive.as_uri()), archive)
    assert (opened.links(HERE), opened.replaced_paths(["demo.py"], ["demo"], HERE)) == ({}, frozenset())


def test_a_wheel_is_linked_as_a_package(tmp_path: Path) -> None:
    archive = make_wheel(tmp_path, files={"demo.py": "x = 1"})
    wheel = LockedWheel(name="demo", version="1.0", url=archive.as_uri())
    found = open_member(wheel, archive).paths(HERE, filter=KEEP_ALL, tag="cpython-312")
    assert {f"{HERE.site_packages}/demo.py", f"{HERE.site_packages}/__pycache__/demo.cpython-312.pyc"} <= set(found)
