"""What linking a package would bring is known without reading its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from conda_docker.link.filter import FileFilter
from conda_docker.link.installed_paths import installed_digests, installed_paths
from conda_docker.link.noarch import entry_point_script
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import Package, open_package
from conda_docker.package.entry_points import EntryPoint
from tests.conda_docker.packages import File, Symlink, SyntheticPackage

PREFIX = Prefix("/opt/conda", "3.12")
RUN = EntryPoint("run", "a.b", "main")
SITE = "lib/python3.12/site-packages"


def pure(folder: Path) -> Package:
    package = SyntheticPackage(
        name="a",
        noarch="python",
        files={"site-packages/a/b.py": "x", "share/doc/a": "x"},
        entry_points=["run = a.b:main"],
    )
    return open_package(package.write(folder))


def test_modules_and_entry_points_are_where_they_are_installed(tmp_path: Path) -> None:
    assert installed_paths(pure(tmp_path), PREFIX) == ["bin/run", f"{SITE}/a/b.py", "share/doc/a"]


def test_compiled_modules_are_named_by_their_tag(tmp_path: Path) -> None:
    paths = installed_paths(pure(tmp_path), PREFIX, tag="cpython-312")
    assert f"{SITE}/a/__pycache__/b.cpython-312.pyc" in paths


def test_what_the_filter_leaves_out(tmp_path: Path) -> None:
    filter = FileFilter(exclude=("bin/run", "share/doc"))
    assert installed_paths(pure(tmp_path), PREFIX, filter=filter) == [f"{SITE}/a/b.py"]


def test_folders_that_have_moved(tmp_path: Path) -> None:
    package = open_package(SyntheticPackage(name="a", files={"lib64/f": "x"}).write(tmp_path))
    assert installed_paths(package, PREFIX, moved={"lib64": "lib"}) == ["lib/f"]


def test_a_package_that_is_not_noarch_is_not_compiled(tmp_path: Path) -> None:
    package = open_package(SyntheticPackage(name="a", files={f"{SITE}/a.py": "x"}).write(tmp_path))
    assert installed_paths(package, PREFIX, tag="cpython-312") == [f"{SITE}/a.py"]


def test_digests_of_what_is_copied_and_of_scripts(tmp_path: Path) -> None:
    found = installed_digests(pure(tmp_path), PREFIX)
    x = hashlib.sha256(b"x").hexdigest()
    assert found | {"bin/run": ""} == {"bin/run": "", f"{SITE}/a/b.py": x, "share/doc/a": x}
    assert found["bin/run"] == hashlib.sha256(entry_point_script(RUN, PREFIX)).hexdigest()


def test_what_linking_changes_has_no_digest_before(tmp_path: Path) -> None:
    files: dict[str, File | Symlink] = {"bin/a": File(b"/here", placeholder="/here"), "link": Symlink("bin/a")}
    package = open_package(SyntheticPackage(name="a", files=files).write(tmp_path))
    assert installed_digests(package, PREFIX) == {}


def test_digests_of_what_has_moved(tmp_path: Path) -> None:
    package = open_package(SyntheticPackage(name="a", files={"lib64/f": "x"}).write(tmp_path))
    assert installed_digests(package, PREFIX, {"lib64": "lib"}).keys() == {"lib/f"}
