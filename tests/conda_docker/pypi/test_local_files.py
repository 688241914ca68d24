"""What this machine has of wheels: pip's downloads first, and what uv has unpacked where that will do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.pypi.local_files import with_local_files
from conda_docker.pypi.pip_cache import cached_file

SIX, IDNA = (
    LockedWheel(name=name, version="1", url=f"https://x.org/{name}-1-py3-none-any.whl", sha256=64 * "0", size=3)
    for name in ("six", "idna")
)


def test_what_uv_has_unpacked_is_second_and_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"PIP_CACHE_DIR": str(tmp_path)}
    path = cached_file(SIX.url, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"abc")
    monkeypatch.setattr("conda_docker.pypi.local_files.find_unpacked", lambda wheel, folder: Path("/uv") / wheel.name)
    assert with_local_files([SIX, IDNA], unpacked=False, environ=environ) == (replace(SIX, source=path), IDNA)
    assert with_local_files([SIX, IDNA], unpacked=True, environ=environ) == (
        replace(SIX, source=path),
        replace(IDNA, source=Path("/uv/idna")),
    )
