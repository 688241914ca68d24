"""Where an environment lives, and the Python that it has."""

from __future__ import annotations

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.link.prefix import Prefix
from python_docker.errors import InvalidPath


def test_a_prefix_is_absolute_and_has_no_slash_at_its_end() -> None:
    assert Prefix("/opt//conda/").path == "/opt/conda"
    assert Prefix("/opt/conda").root == "opt/conda"


@pytest.mark.parametrize("path", ["opt/conda", "", "/", "/opt/../etc", "/opt/\0"])
def test_what_is_no_prefix_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        Prefix(path)


@pytest.mark.parametrize(
    ("version", "minor"), [("3.12.1", "3.12"), ("3.12", "3.12"), ("3.14.0rc1", "3.14"), ("2.7.18", "2.7")]
)
def test_site_packages_follows_from_the_version(version: str, minor: str) -> None:
    prefix = Prefix("/opt/conda", version)
    assert (prefix.python_version, prefix.site_packages) == (minor, f"lib/python{minor}/site-packages")


def test_site_packages_can_be_given() -> None:
    prefix = Prefix("/opt/conda", "3.13.0", "lib/python3.13t/site-packages/")
    assert prefix.site_packages == "lib/python3.13t/site-packages"


@pytest.mark.parametrize("site_packages", ["../x", "/usr/lib/python3", "lib/../../x", ""])
def test_site_packages_lies_in_the_prefix(site_packages: str) -> None:
    with pytest.raises(InvalidPath):
        Prefix("/opt/conda", "3.13", site_packages)


def test_a_version_has_two_numbers() -> None:
    with pytest.raises(InvalidPackage, match="not a version of Python"):
        Prefix("/opt/conda", "three")


def test_an_epoch_is_not_part_of_paths() -> None:
    assert Prefix("/opt/conda", "1!3.12.0").site_packages == "lib/python3.12/site-packages"


def test_there_need_be_no_python() -> None:
    assert Prefix("/opt/conda").site_packages is None
