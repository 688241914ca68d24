"""Public names are imported when they are first used, and each is where its table says."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import conda_docker
import python_docker
import python_docker.image
import python_docker.registry
from python_docker.exports import lazy

PACKAGES = [python_docker, python_docker.image, python_docker.registry, conda_docker]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_name_is_there(package: ModuleType) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_other_names_are_not(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'imagine'"):
        _ = package.imagine


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("somewhere")
    monkeypatch.setitem(sys.modules, "somewhere", module)
    found = lazy("somewhere", {"Path": "pathlib"})("Path")
    assert module.Path is found


def test_importing_a_package_imports_nothing_else() -> None:
    code = "import sys, conda_docker, python_docker; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    found = sorted(name for name in said.split() if name.startswith(("conda_docker", "python_docker")))
    assert found == ["conda_docker", "python_docker", "python_docker.exports", "python_docker.version"]
