from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import Distribution
from conda_docker.pypi.distributions import distributions_in, provided_distributions
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import SyntheticPackage
from tests.conda_docker.pypi.conftest import conda_package


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("site-packages/six-1.17.0.dist-info/METADATA", [("six", "1.17.0")]),
        ("lib/python3.12/site-packages/Ruamel.Yaml-0.18.dist-info/METADATA", [("ruamel-yaml", "0.18")]),
        ("lib/python3.12/site-packages/torch-2.0+cu118.dist-info/METADATA", [("torch", "2.0+cu118")]),
        ("lib/python3.12/site-packages/old-1.0-py3.12.egg-info", [("old", "1.0")]),
        ("lib/python3.12/site-packages/old-1.0-py3.12.egg-info/PKG-INFO", [("old", "1.0")]),
        ("lib/python3.12/site-packages/old-1.0.egg-info/PKG-INFO", [("old", "1.0")]),
        ("lib/python3.12/site-packages/six-1.17.0.dist-info/RECORD", []),
        ("lib/python3.12/site-packages/setuptools/_vendor/packaging-24.2.dist-info/METADATA", []),
        ("share/six-1.17.0.dist-info/METADATA", []),
    ],
)
def test_metadata_in_site_packages_names_a_distribution(path: str, found: list[tuple[str, str]]) -> None:
    assert distributions_in([path]) == found


def test_a_package_that_cannot_be_had_is_known_by_its_record(tmp_path: Path) -> None:
    packages = (
        conda_package("pyyaml", "6.0", depends=["python"], purls=["pkg:pypi/PyYAML@6.0.1"]),
        conda_package("msgpack-python", "1.1", depends=["python"], purls=["pkg:pypi/msgpack"]),
        conda_package("attrs", "24.1", depends=["python"]),
        conda_package("zlib", "1.3"),
    )
    assert provided_distributions(packages, tmp_path, offline=True) == (
        Distribution("attrs", "24.1", "attrs-24.1-0"),
        Distribution("msgpack", "1.1", "msgpack-python-1.1-0"),
        Distribution("pyyaml", "6.0.1", "pyyaml-6.0-0"),
    )


def test_what_was_found_in_a_package_is_remembered(tmp_path: Path) -> None:
    metadata = {"site-packages/Shown-2.0.dist-info/METADATA": b""}
    archive = SyntheticPackage(
        name="named-otherwise", version="1.0", files=metadata, noarch="python", depends=["python"]
    ).write(tmp_path)
    package = locked(archive)
    expected = (Distribution("shown", "2.0", package.stem),)
    assert provided_distributions([package], tmp_path / "cache", offline=True) == expected
    archive.unlink()
    assert provided_distributions([package], tmp_path / "cache", offline=True) == expected


def test_a_package_without_metadata_brings_nothing(tmp_path: Path) -> None:
    package = locked(
        SyntheticPackage(name="tool", version="1.0", files={"bin/tool": b""}, depends=["python"]).write(tmp_path)
    )
    assert provided_distributions([package], tmp_path / "cache", offline=True) == ()


def test_offline_those_packages_are_looked_into_that_are_here(tmp_path: Path) -> None:
    metadata = {"site-packages/Shown-2.0.dist-info/METADATA": b""}
    archive = SyntheticPackage(name="here", files=metadata, noarch="python", depends=["python"]).write(tmp_path)
    packages = [locked(archive), conda_package("elsewhere", "1.0", depends=["python"])]
    found = provided_distributions(packages, tmp_path / "cache", offline=True)
    assert [distribution.name for distribution in found] == ["elsewhere", "shown"]
