"""What a list of URLs does not say of packages is taken from the packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record, package_from_url
from conda_docker.errors import InvalidEnvironment
from conda_docker.package.fetch.complete import complete_environment
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import SyntheticPackage


def listed(folder: Path, package: SyntheticPackage) -> LockedPackage:
    """A package as a line of an explicit list has it."""
    archive = package.write(folder)
    return package_from_url(archive.as_uri(), sha256=locked(archive).sha256)


def environment(*packages: LockedPackage) -> LockedEnvironment:
    return LockedEnvironment("linux-64", packages)


def test_dependencies_are_learned_and_put_packages_in_order(tmp_path: Path) -> None:
    needs = listed(tmp_path, SyntheticPackage(name="a", depends=("b",), noarch="python", files={"x": "x"}))
    needed = listed(tmp_path, SyntheticPackage(name="b", files={"y": "y"}))
    found = complete_environment(environment(needs, needed), tmp_path / "cache")
    assert [package.name for package in found.packages] == ["b", "a"]
    last = found.packages[-1]
    assert (last.depends, last.noarch, last.complete) == (("b",), "python", True)
    assert (last.md5, last.size) == (locked(tmp_path / "a-1.0-0.conda").md5 or last.md5, last.size)
    assert last.md5 is not None


def test_what_was_learned_once_needs_no_package(tmp_path: Path) -> None:
    package = listed(tmp_path, SyntheticPackage(name="a", depends=("b",), files={"x": "x"}))
    first = complete_environment(environment(package), tmp_path / "cache")
    (tmp_path / "a-1.0-0.conda").unlink()
    assert complete_environment(environment(package), tmp_path / "cache", offline=True) == first


def test_a_complete_environment_is_left_as_it_is(tmp_path: Path) -> None:
    known = environment(locked(SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)))
    assert complete_environment(known, tmp_path / "cache") is known
    assert not (tmp_path / "cache").exists()


def test_a_package_of_another_name_than_its_url_is_refused(tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    archive.rename(tmp_path / "b-1.0-0.conda")
    package = package_from_url((tmp_path / "b-1.0-0.conda").as_uri())
    with pytest.raises(InvalidEnvironment, match="holds a different package than its name says"):
        complete_environment(environment(package), tmp_path / "cache")


@pytest.mark.parametrize("given", [True, False])
def test_where_a_free_threaded_python_has_its_modules_is_learned(tmp_path: Path, given: bool) -> None:
    # Records that older clients wrote into conda-meta do not say it.
    place = "lib/python3.13t/site-packages"
    package = SyntheticPackage(
        name="python", version="3.13.5", build="h0_0_cp313t", python_site_packages_path=place, files={"x": "x"}
    )
    archive = package.write(tmp_path)
    fields = {"name": "python", "version": "3.13.5", "build": "h0_0_cp313t", "url": archive.as_uri()}
    record = package_from_record(fields | ({"python_site_packages_path": place} if given else {}))
    [python] = complete_environment(environment(record), tmp_path / "cache").packages
    assert python.python_site_packages_path == place
