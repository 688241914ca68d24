"""Where caches are, also without a home folder."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

import pytest

from conda_docker.cache.location import default_cache_dir, index_cache_dir, system_cache_dir, wheel_cache_dir
from conda_docker.errors import CacheError

only_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps caches in LOCALAPPDATA")


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Choose none of the folders, and have temporary ones in `tmp_path`."""
    for name in ("CONDA_DOCKER_CACHE", "XDG_CACHE_HOME", "RATTLER_CACHE_DIR", "PIXI_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def private_folder(tmp_path: Path) -> Path:
    return tmp_path / "tmp" / f"conda-docker-{os.getuid()}"


def test_it_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONDA_DOCKER_CACHE", "~/my-cache")
    assert default_cache_dir() == tmp_path / "home/my-cache"


@only_posix
def test_it_is_where_the_system_keeps_caches(tmp_path: Path) -> None:
    assert default_cache_dir().is_relative_to(tmp_path / "home")


@only_posix
def test_without_a_home_it_is_a_private_temporary_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "home").write_bytes(b"a file: nothing can be made in it")
    with caplog.at_level(logging.WARNING):
        found = [default_cache_dir() for _ in range(3)]
    assert set(found) == {private_folder(tmp_path) / "cache"}
    assert private_folder(tmp_path).stat().st_mode & 0o777 == 0o700
    [message] = caplog.messages
    assert "home/.cache/conda-docker cannot be written: Not a directory; using " in message or "Caches" in message
    assert message.endswith("(CONDA_DOCKER_CACHE chooses another folder)")
    assert index_cache_dir() == private_folder(tmp_path) / "repodata"
    assert wheel_cache_dir() == private_folder(tmp_path) / "uv"


@only_posix
def test_who_only_asks_makes_no_folder(tmp_path: Path) -> None:
    assert default_cache_dir(create=False).is_relative_to(tmp_path / "home")
    assert not (tmp_path / "home").exists()


@only_posix
def test_who_only_asks_hears_of_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_bytes(b"a file: nothing can be made in it")
    assert default_cache_dir(create=False) == default_cache_dir()


@only_posix
def test_uv_keeps_its_cache_where_it_can_be_written() -> None:
    assert wheel_cache_dir() is None


@only_posix
def test_an_unknown_user_without_home_gets_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert default_cache_dir() == private_folder(tmp_path) / "cache"


@only_posix
@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
def test_a_temporary_folder_that_others_can_write_to_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "home").write_bytes(b"")
    folder = private_folder(tmp_path)
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "a link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.write_bytes(b"")
    with pytest.raises(CacheError, match=r"there is no folder for the cache: .*; choose one with CONDA_DOCKER_CACHE"):
        default_cache_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked itself")
@pytest.mark.parametrize("named", [None, "", "/var/cache/me", "/a//b/"])
@pytest.mark.parametrize("name", ["conda-docker", None])
def test_the_place_is_that_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, named: str | None, name: str | None
) -> None:
    import platformdirs

    monkeypatch.setenv("HOME", "/home/me")
    if named is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert system_cache_dir(name) == platformdirs.user_cache_path(name, appauthor=False)
