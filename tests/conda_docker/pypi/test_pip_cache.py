from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.pypi.pip_cache import cached_file, with_cached
from demo.channel import IndexUnreachable
from demo.wheels import fetch_wheels
from tests.conda_docker.pypi.serving import Quiet, served
from tests.conda_docker.pypi.wheels import make_wheel

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


class _Cacheable(Quiet):
    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()


def test_what_a_real_pip_keeps_is_found(tmp_path: Path) -> None:
    try:
        [pip] = [path for path in fetch_wheels(["pip"], tmp_path / "pip") if path.name.startswith("pip-")]
    except IndexUnreachable as error:
        pytest.skip(str(error))
    (tmp_path / "index").mkdir()
    wheel = make_wheel(tmp_path / "index", "six")
    command: list[str | Path] = [sys.executable, pip / "pip", "--isolated", "--cache-dir", tmp_path / "cache"]
    # Of hosts that it does not trust pip keeps nothing.
    command += ["download", "--no-index", "--trusted-host", "127.0.0.1", "--no-deps", "--dest", tmp_path / "out"]
    with served(wheel.parent, _Cacheable) as host:
        url = f"http://{host}/{wheel.name}"
        subprocess.run([*command, url], check=True, capture_output=True)
    asked = replace(WHEEL, url=url, size=wheel.stat().st_size)
    [found] = with_cached([asked], {"PIP_CACHE_DIR": str(tmp_path / "cache")})
    assert found.source is not None
    assert found.source.read_bytes() == wheel.read_bytes()
