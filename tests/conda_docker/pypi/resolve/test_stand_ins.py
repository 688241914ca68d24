"""A stand-in has the name and version of what conda brings, and needs nothing."""

from __future__ import annotations

import zipfile
from pathlib import Path

from conda_docker.environment.packages.wheels import Distribution
from conda_docker.pypi.resolve.stand_ins import write_stand_ins


def test_a_wheel_without_files_for_each(tmp_path: Path) -> None:
    [constraint] = write_stand_ins([Distribution("ruamel-yaml", "0.18.6", "ruamel.yaml-0.18.6-0")], tmp_path)
    path = tmp_path / "ruamel_yaml-0.18.6-py3-none-any.whl"
    assert constraint == f"ruamel-yaml @ {path.as_uri()}"
    with zipfile.ZipFile(path) as wheel:
        metadata = wheel.read("ruamel_yaml-0.18.6.dist-info/METADATA").decode()
    assert metadata.splitlines() == ["Metadata-Version: 2.1", "Name: ruamel-yaml", "Version: 0.18.6"]


def test_what_extras_need_is_not_condas_to_bring(tmp_path: Path) -> None:
    extras = {"a": ["Provides-Extra: more", 'Requires-Dist: b; extra == "more"']}
    write_stand_ins([Distribution("a", "1", "a-1-0")], tmp_path, extras)
    with zipfile.ZipFile(tmp_path / "a-1-py3-none-any.whl") as wheel:
        assert extras["a"][1] in wheel.read("a-1.dist-info/METADATA").decode()


def test_versions_in_their_normal_form(tmp_path: Path) -> None:
    write_stand_ins([Distribution("a", "1.0.RC1", "a")], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a-1.0rc1-py3-none-any.whl"]


def test_what_pip_would_not_see_either(tmp_path: Path) -> None:
    assert write_stand_ins([Distribution("a", "9e", "a-9e-0")], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
