"""What a layer of a package depends on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPackage
from conda_docker.layers.making.write import write_layer
from conda_docker.layers.member import has_modules_to_compile
from conda_docker.layers.recipe import Recipe
from python_docker.image.blob_store import temporary_writer
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel


def test_another_md5_makes_another_layer(tmp_path: Path) -> None:
    # Where there is a SHA-256 nobody computes the MD5, which is recorded all the same.
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    recipe = Recipe("/opt/conda")
    honest, lying = (replace(locked(archive), md5=digit * 32) for digit in "ab")
    layers = [write_layer(recipe, [member], [archive], temporary_writer)[0] for member in (honest, lying)]
    assert layers[0].digest != layers[1].digest
    assert recipe.key([honest]) != recipe.key([lying])


@pytest.mark.parametrize("change", [{"subdir": "linux-aarch64"}, {"file_name": "b-1.0-0.conda"}], ids=str)
def test_another_place_than_that_of_its_url_makes_another_layer(change: dict[str, Any], tmp_path: Path) -> None:
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    recipe = Recipe("/opt/conda")
    honest = locked(archive)
    lying = replace(honest, **change)
    layers = [write_layer(recipe, [member], [archive], temporary_writer)[0] for member in (honest, lying)]
    assert layers[0].digest != layers[1].digest
    assert recipe.key([honest]) != recipe.key([lying])


@pytest.mark.parametrize("change", [{"name": "b"}, {"version": "2.0"}, {"build": "1"}], ids=str)
def test_what_a_package_is_said_to_be_is_looked_up_with_it(change: dict[str, Any], tmp_path: Path) -> None:
    """Or a lock file with a wrong name is refused by a machine that makes the layer, and built on one that has it."""
    archive = SyntheticPackage(name="a", files={"x": "x"}).write(tmp_path)
    recipe = Recipe("/opt/conda")
    lying = replace(locked(archive), **change)
    assert recipe.key([locked(archive)]) != recipe.key([lying])
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda is a-1\.0-0, and the channel says that it is"):
        write_layer(recipe, [lying], [archive], temporary_writer)


@pytest.mark.parametrize("change", [{"name": "other"}, {"version": "2.0"}], ids=str)
def test_what_a_wheel_is_said_to_be_is_looked_up_with_it(change: dict[str, Any], tmp_path: Path) -> None:
    archive = make_wheel(tmp_path, "My-Demo", "1.0")
    recipe = Recipe("/opt/conda", "3.12.1")
    honest = LockedWheel(name="my-demo", version="1.0.0", url=archive.as_uri(), sha256="a" * 64)
    write_layer(recipe, [honest], [archive], temporary_writer)
    lying = replace(honest, **change)
    assert recipe.key([honest]) != recipe.key([lying])
    with pytest.raises(InvalidPackage, match=r"My_Demo-1\.0-.* is My_Demo 1\.0, and .* says that it is"):
        write_layer(recipe, [lying], [archive], temporary_writer)


def test_a_wheel_of_another_file_is_another_layer() -> None:
    urls = (f"https://files.example.org/{name}-1.0-py3-none-any.whl" for name in ("demo", "other"))
    one, other = (LockedWheel(name="demo", version="1.0", url=url, sha256="a" * 64) for url in urls)
    assert Recipe("/opt/conda").key([one]) != Recipe("/opt/conda").key([other])


def test_modules_of_wheels_and_of_noarch_packages_are_compiled(tmp_path: Path) -> None:
    wheel = LockedWheel(name="demo", version="1.0", url=make_wheel(tmp_path, files={"demo.py": "x = 1"}).as_uri())
    package = locked(SyntheticPackage(name="a", noarch="python", files={"site-packages/x.py": "x"}).write(tmp_path))
    assert [has_modules_to_compile(member) for member in (wheel, package, replace(package, noarch=None))] == [
        True,
        True,
        False,
    ]
