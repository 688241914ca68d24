from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conda_docker.environment.wheels import LockedWheel
from conda_docker.pypi.pip_cache import cached_file, with_cached

WHEEL = LockedWheel(name="six", version="1", url="https://example.com/six-1-py3-none-any.whl", sha256="0" * 64, size=3)


def keep(folder: Path, content: bytes) -> Path:
    path = cached_file(WHEEL.url, folder)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_file_in_pips_cache_is_found(tmp_path: Path) -> None:
    path = keep(tmp_path, b"abc")
    assert path.relative_to(tmp_path).parts[:3] == ("http-v2", *path.name[:2])
    assert with_cached([WHEEL], {"PIP_CACHE_DIR": str(tmp_path)}) == (replace(WHEEL, source=path),)


def test_a_file_of_another_size_is_not_it(tmp_path: Path) -> None:
    keep(tmp_path, b"abcd")
    assert with_cached([WHEEL], {"PIP_CACHE_DIR": str(tmp_path)}) == (WHEEL,)


def test_without_a_hash_nothing_could_tell_whether_it_is(tmp_path: Path) -> None:
    keep(tmp_path, b"abc")
    unknown = replace(WHEEL, sha256=None)
    assert with_cached([unknown], {"PIP_CACHE_DIR": str(tmp_path)}) == (unknown,)
