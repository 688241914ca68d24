from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage, package_from_record


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for wheels that is all that pip and uv are configured to look into."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "wheels"
    folder.mkdir()
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {folder}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_CONSTRAINT", "")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return folder


def conda_package(name: str, version: str, build: str = "0", **fields: object) -> LockedPackage:
    """A conda package that is not on this machine."""
    url = f"https://conda.example.org/channel/linux-64/{name}-{version}-{build}.conda"
    record = {"name": name, "version": version, "build": build, "url": url, "subdir": "linux-64"}
    return package_from_record(record | fields)
