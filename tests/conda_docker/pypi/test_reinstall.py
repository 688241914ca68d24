"""Wheels in the place of what pip installed, where they hold the same files."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.environment.inputs.installed import installed_distributions
from conda_docker.environment.installed_prefix import InstalledPrefix
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.pypi.reinstall import reinstall
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.oracle import PYTHON
from tests.conda_docker.pypi.wheels import make_wheel

SITE = f"lib/python{PYTHON}/site-packages"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "env"


def install(prefix: Path, wheel: Path, *, requested: bool = True) -> None:
    """Unpack a wheel as an installer does, with what it writes itself."""
    site = prefix / SITE
    site.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    info = next(site.glob(f"{wheel.name.partition('-')[0]}-*.dist-info"))
    (info / "INSTALLER").write_text("pip\n")
    if requested:
        (info / "REQUESTED").touch()
    with (info / "RECORD").open("a") as record:
        record.write(f"{info.name}/INSTALLER,sha256=x,4\n../../../bin/script,sha256=y,1\n")


def environment(prefix: Path) -> LockedEnvironment:
    metadata = [*(prefix / SITE).glob("*.dist-info")]
    installed = InstalledPrefix(root=prefix, given=prefix, distributions=installed_distributions(metadata, prefix))
    packages = (conda_package("python", f"{PYTHON}.0", "h0_0_cpython"),)
    return LockedEnvironment("linux-64", packages, installed=installed)


def again(prefix: Path, tmp_path: Path, **changes: object) -> tuple[list[tuple[str, bool]], list[str]]:
    """Return the wheels, with whether they were asked for, and what is copied."""
    given = replace(environment(prefix), **changes)  # type: ignore[arg-type]
    found = reinstall(given, cache_dir=tmp_path / "cache", glibc="2.36", offline=True)
    assert found.installed is not None
    assert {each.name for each in found.installed.as_wheels} == {wheel.name for wheel in found.wheels}
    return [(wheel.name, wheel.requested) for wheel in found.wheels], [
        each.name for each in found.installed.distributions
    ]


def test_the_very_files_that_are_installed(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    install(prefix, make_wheel(wheels, "one"))
    install(prefix, make_wheel(wheels, "two", requires=["absent"]), requested=False)
    assert again(prefix, tmp_path) == ([("two", False), ("one", True)], [])


def test_another_build_of_the_same_version(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    built_here = tmp_path / "built"
    built_here.mkdir()
    install(prefix, make_wheel(built_here, "one", files={"one.py": "built here"}))
    make_wheel(wheels, "one", files={"one.py": "published"})
    assert again(prefix, tmp_path) == ([], ["one"])


def test_what_no_index_has_does_not_keep_others_from_their_wheels(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    install(prefix, make_wheel(wheels, "one"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    install(prefix, make_wheel(elsewhere, "own"))
    assert again(prefix, tmp_path) == ([("one", True)], ["own"])


def test_a_distribution_without_a_record(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    install(prefix, make_wheel(wheels, "one"))
    (prefix / SITE / "one-1.0.dist-info/RECORD").unlink()
    assert again(prefix, tmp_path) == ([], ["one"])


def test_the_answer_is_remembered(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    install(prefix, make_wheel(wheels, "one"))
    first = again(prefix, tmp_path)
    assert again(prefix, tmp_path) == first
    assert [*(tmp_path / "cache/records").glob("*/*.json")]


def test_without_python_everything_is_copied(prefix: Path, wheels: Path, tmp_path: Path) -> None:
    install(prefix, make_wheel(wheels, "one"))
    assert again(prefix, tmp_path, packages=()) == ([], ["one"])
    shutil.rmtree(prefix)
