"""Docker and OCI images from conda environments, without Docker.

`create_image` does all of it; `lock`, `open_base` and `build_image` are its parts.

    from conda_docker import create_image
    from python_docker import write_image

    image = create_image(["python=3.12", "numpy"], base="debian:stable-slim", image="demo:1.0")
    write_image(image, "demo.tar")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker import __version__

if TYPE_CHECKING:
    from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
    from conda_docker.create import create_image
    from conda_docker.environment.lock import lock
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.image.assemble import BuildResult, build_image
    from conda_docker.image.base import open_base

_HOMES = {
    "Activate": "build_options",
    "BuildOptions": "build_options",
    "BuildResult": "image.assemble",
    "Bytecode": "build_options",
    "Layering": "build_options",
    "LockedEnvironment": "environment.locked",
    "LockedPackage": "environment.locked",
    "build_image": "image.assemble",
    "create_image": "create",
    "lock": "environment.lock",
    "open_base": "image.base",
}

__all__ = [
    "Activate",
    "BuildOptions",
    "BuildResult",
    "Bytecode",
    "Layering",
    "LockedEnvironment",
    "LockedPackage",
    "__version__",
    "build_image",
    "create_image",
    "lock",
    "open_base",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import conda_docker` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
