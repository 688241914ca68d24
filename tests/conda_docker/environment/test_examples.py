"""The examples in the documentation of this part run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import conda_docker.environment

MODULES = [module.name for module in pkgutil.iter_modules(conda_docker.environment.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"conda_docker.environment.{name}")).failed == 0
