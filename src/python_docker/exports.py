"""Public names of a package, imported when they are first used: importing the package itself costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of `package` (PEP 562) for the names in `homes`, each with its module.

    Type checkers need the same names imported under `TYPE_CHECKING`.

    >>> lazy("python_docker", {"Image": "python_docker.image"})("Imagine")
    Traceback (most recent call last):
    AttributeError: module 'python_docker' has no attribute 'Imagine'
    """

    def import_name(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return import_name
