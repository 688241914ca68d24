"""What of an environment that exists is not in its lock file is refused or said, and never left out in silence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from conda_docker.environment.inputs.prefix import read_prefix
from conda_docker.errors import UnsupportedInput
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.lock_files.existing import check_lockable, notes_of_lock

SITE = "lib/python3.12/site-packages"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return an environment with one package of three files, all as they were installed."""
    prefix = tmp_path / "env"
    rows = []
    for path in ("bin/tool", "share/edited", "share/tool"):
        put(prefix, path, path)
        rows.append({"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(path.encode()).hexdigest()})
    fields = {
        "name": "tool",
        "version": "1",
        "build": "0",
        "subdir": "linux-64",
        "url": "https://conda.example.org/team/linux-64/tool-1-0.conda",
        "paths_data": {"paths": rows},
    }
    put(prefix, "conda-meta/tool-1-0.json", json.dumps(fields))
    return prefix


def put(prefix: Path, path: str, content: str = "") -> None:
    file = prefix / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def install(prefix: Path, name: str, source: Path, *, editable: bool) -> None:
    """Write what pip leaves behind of a folder of sources."""
    origin = {"url": source.as_uri(), "dir_info": {"editable": editable}}
    put(prefix, f"{SITE}/{name}-1.dist-info/direct_url.json", json.dumps(origin))


def notes(prefix: Path, filter: FileFilter = KEEP_ALL, *, only_packages: bool = False) -> list[str]:
    return list(notes_of_lock(read_prefix(prefix, only_packages=only_packages), filter))


def test_packages_without_a_wheel_are_named(prefix: Path, tmp_path: Path) -> None:
    install(prefix, "mine", tmp_path, editable=True)
    install(prefix, "local", tmp_path, editable=False)
    with pytest.raises(UnsupportedInput, match=r"local==1, mine==1.*build -p.*--only-packages"):
        check_lockable(read_prefix(prefix))


def test_packages_alone_are_locked_without_them_and_it_is_said(prefix: Path, tmp_path: Path) -> None:
    install(prefix, "mine", tmp_path, editable=True)
    check_lockable(read_prefix(prefix, only_packages=True))
    assert notes(prefix, only_packages=True) == ["not in the lock file, since no wheel of them is to be had: mine==1"]


def test_nothing_but_packages_is_not_worth_a_word(prefix: Path) -> None:
    check_lockable(read_prefix(prefix))
    assert notes(prefix) == []


def test_files_are_counted(prefix: Path) -> None:
    for path in ("opt/a", "opt/b", "etc/left.out"):
        put(prefix, path)
    put(prefix, "share/edited", "otherwise")
    (prefix / "bin/tool").unlink()
    [note] = notes(prefix, FileFilter(exclude=("etc",)))
    assert (
        "2 files that no package brings, 1 file changed since the installation, "
        "1 file deleted since the installation; `build -p`" in note
    )
