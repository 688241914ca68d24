from __future__ import annotations

from pathlib import Path

from conda_docker.link.installed_paths import installed_paths
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from conda_docker.pypi.wheel.replaced import replaced_paths
from tests.conda_docker.packages import SyntheticPackage

PREFIX = Prefix("/opt/conda", "3.12")
SITE = "lib/python3.12/site-packages"


def lost(tmp_path: Path, files: dict[str, bytes | str], *names: str, noarch: str | None = None) -> set[str]:
    package = open_package(SyntheticPackage(name="demo", files=files, noarch=noarch).write(tmp_path))
    return set(replaced_paths(package, names, installed_paths(package, PREFIX), SITE))


def test_the_files_that_record_lists_go_with_their_compiled_modules_and_metadata(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"{SITE}/demo.py": "",
        f"{SITE}/__pycache__/demo.cpython-312.pyc": "",
        f"{SITE}/other.py": "",
        f"{SITE}/__pycache__/other.cpython-312.pyc": "",
        f"{SITE}/demo-1.0.dist-info/METADATA": "",
        f"{SITE}/demo-1.0.dist-info/direct_url.json": "",
        f"{SITE}/demo-1.0.dist-info/RECORD": "demo.py,,\n../../../bin/demo,,\n../../../../etc/passwd,,\n",
        "bin/demo": "",
        "lib/libdemo.so": "",
    }
    assert lost(tmp_path, files, "demo") == set(files) - {
        f"{SITE}/other.py",
        f"{SITE}/__pycache__/other.cpython-312.pyc",
        "lib/libdemo.so",
    }
    assert lost(tmp_path, files, "other") == set()


def test_paths_of_a_noarch_package_are_those_in_the_prefix(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "site-packages/demo.py": "",
        "site-packages/demo-1.0.dist-info/RECORD": "demo.py,,\n",
    }
    assert lost(tmp_path, files, "demo", noarch="python") == {f"{SITE}/demo.py", f"{SITE}/demo-1.0.dist-info/RECORD"}


def test_an_egg_without_a_list_owns_the_modules_of_its_package(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"{SITE}/demo.py": "", f"{SITE}/Demo-1.0-py3.12.egg-info": "", "bin/demo": ""}
    assert lost(tmp_path, files, "demo") == {f"{SITE}/demo.py", f"{SITE}/Demo-1.0-py3.12.egg-info"}


def test_an_eggs_list_is_relative_to_its_folder(tmp_path: Path) -> None:
    egg = f"{SITE}/demo-1.0-py3.12.egg-info"
    files: dict[str, bytes | str] = {
        f"{SITE}/demo.py": "",
        f"{SITE}/other.py": "",
        f"{egg}/PKG-INFO": "",
        f"{egg}/installed-files.txt": "../demo.py\nPKG-INFO\n",
    }
    assert lost(tmp_path, files, "demo") == set(files) - {f"{SITE}/other.py"}
