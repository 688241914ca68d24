"""The examples in the documentation of this part run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import conda_docker.environment

MODULES = [
    module.name for module in pkgutil.walk_packages(conda_docker.environment.__path__, "conda_docker.environment.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
