"""Wheels that a real uv has unpacked in its cache are found by their hash, checked, and linked as from the archive."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPackage
from conda_docker.layers.making.opened import open_member
from conda_docker.link.filter import KEEP_ALL
from conda_docker.link.prefix import Prefix
from conda_docker.package.fetch.fetch import fetch_packages
from conda_docker.pypi.local_files import with_local_files
from conda_docker.pypi.resolve.uv import uv_program
from conda_docker.pypi.wheel.unpacked import find_unpacked, open_unpacked, uv_cache_folder
from tests.conda_docker.pypi.oracle import virtual_environment
from tests.conda_docker.pypi.serving import served
from tests.conda_docker.pypi.wheels import make_wheel

PREFIX = Prefix("/opt/conda", "3.12")
FILES = {
    "app/__init__.py": "value = 1\n",
    "app/run.sh": "#!/bin/sh\n",
    "app-1.0.data/scripts/tool": "#!python\nprint()\n",
    "app-1.0.data/data/share/app": "data",
}
POINTS = {"entry_points.txt": "[console_scripts]\nrun = app:main\n"}


@dataclass(frozen=True, slots=True)
class Installed:
    """A wheel that uv has installed, and the cache where it has kept it."""

    archive: Path
    locked: LockedWheel
    cache: Path

    @property
    def folder(self) -> Path:
        found = find_unpacked(self.locked, self.cache)
        assert found is not None
        return found


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    folder = tmp_path / "simple" / "app"
    folder.mkdir(parents=True)
    wheel = make_wheel(folder, "app", files=FILES, metadata=POINTS, executable=["app/run.sh"])
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    environment = virtual_environment(tmp_path / "environment")
    variables = {"UV_CACHE_DIR": str(tmp_path / "uv"), "VIRTUAL_ENV": str(environment), "PATH": os.environ["PATH"]}
    with served(tmp_path) as host:
        index = f"http://{host}/simple"
        command = [uv_program(), "pip", "install", "--no-config", "--index-url", index, "--link-mode", "copy", "app"]
        subprocess.run(command, check=True, capture_output=True, env=variables)
    url = f"{index}/app/{wheel.name}"
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    locked = LockedWheel(name="app", version="1.0", url=url, sha256=sha256, size=wheel.stat().st_size, requested=True)
    return Installed(wheel, locked, tmp_path / "uv")


def linked(locked: LockedWheel, path: Path) -> dict[str, tuple[int, bytes]]:
    """Return the modes and contents that linking comes to."""
    link = open_member(locked, path).link(PREFIX, filter=KEEP_ALL, compiler=None)
    return {
        entry.path: (entry.mode, content if isinstance(content, bytes) else content.read()) for entry, content in link
    }


def test_the_files_are_those_of_the_archive(installed: Installed) -> None:
    assert linked(installed.locked, installed.folder) == linked(installed.locked, installed.archive)


def test_it_is_found_where_a_folder_will_do(installed: Installed, tmp_path: Path) -> None:
    environ = {"UV_CACHE_DIR": str(installed.cache), "PIP_CACHE_DIR": str(tmp_path / "pip")}
    assert with_local_files([installed.locked], unpacked=False, environ=environ) == (installed.locked,)
    [found] = with_local_files([installed.locked], unpacked=True, environ=environ)
    assert found.source == installed.folder
    assert [path for _, path in fetch_packages([found], tmp_path / "cache", offline=True)] == [found.source]


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"sha256": None}, {"name": "other"}])
def test_another_wheel_is_not_found(installed: Installed, changes: dict[str, str | None]) -> None:
    assert find_unpacked(replace(installed.locked, **changes), installed.cache) is None  # type: ignore[arg-type]


def test_a_file_that_was_changed(installed: Installed) -> None:
    (installed.folder / "app/__init__.py").write_text("value = 2\n")
    assert find_unpacked(installed.locked, installed.cache) is None


def test_a_file_that_is_missing(installed: Installed) -> None:
    (installed.folder / "app/__init__.py").unlink()
    assert find_unpacked(installed.locked, installed.cache) is None


def test_a_file_that_the_record_does_not_list(installed: Installed) -> None:
    (installed.folder / "app/more.py").write_text("")
    assert find_unpacked(installed.locked, installed.cache) is None


def test_a_link_out_of_the_folder(installed: Installed, tmp_path: Path) -> None:
    folder = installed.folder
    (tmp_path / "same").write_bytes((folder / "app/__init__.py").read_bytes())
    (folder / "app/__init__.py").unlink()
    (folder / "app/__init__.py").symlink_to(tmp_path / "same")
    assert find_unpacked(installed.locked, installed.cache) is None
    with pytest.raises(InvalidPackage, match="is not a file of its own"):
        open_unpacked(folder, installed.locked.file_name)


def test_a_note_that_leads_out_of_the_cache(installed: Installed, tmp_path: Path) -> None:
    folder = installed.folder
    moved = folder.rename(tmp_path / "elsewhere")
    [note] = installed.cache.glob("wheels-v*/index/*/app/*.http")
    link = note.with_suffix("")
    link.unlink()
    link.symlink_to(moved)
    assert find_unpacked(installed.locked, installed.cache) is None


def test_where_the_cache_is(tmp_path: Path) -> None:
    assert uv_cache_folder({"UV_CACHE_DIR": "/somewhere"}) == Path("/somewhere")
    assert uv_cache_folder({"XDG_CACHE_HOME": "/caches"}) == Path("/caches/uv")
