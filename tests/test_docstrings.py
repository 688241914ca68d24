"""The examples in docstrings run as they are written."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import conda_docker
import docker_envs
import python_docker

# Imported by conda alone, or programs that run when they are imported.
LEFT_OUT = ("conda_docker.plugin", "conda_docker.link.bytecode.worker")
MODULES = [
    module.name
    for package in (python_docker, conda_docker, docker_envs)
    for module in walk_packages(package.__path__, f"{package.__name__}.")
    if module.name not in LEFT_OUT and not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", ["python_docker", "conda_docker", *MODULES])
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
