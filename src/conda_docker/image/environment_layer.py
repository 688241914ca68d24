"""The last layer of an environment: what makes a folder with packages an environment, and what activates it.

All that differs between environments with the same packages is here, so that their other layers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.image.activation import ENTRYPOINT_NAME, Activation, state_file
from python_docker.layer import Layer, build_layer
from python_docker.spec.timestamps import rfc3339
from python_docker.tar import TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.layers.recipe import Recipe


def environment_layer(environment: LockedEnvironment, recipe: Recipe, activation: Activation, created: int) -> Layer:
    """Return the layer with `conda-meta/history`, `conda-meta/state` and the entrypoint.

    `created` is the time of its files, in seconds since 1970.
    """
    root = recipe.prefix.strip("/")
    files: dict[str, tuple[int, bytes]] = {f"{root}/conda-meta/history": (0o644, history_file(environment, created))}
    if environment.variables:
        files[f"{root}/conda-meta/state"] = (0o644, state_file(environment.variables))
    if activation.entrypoint is not None:
        files[f"{root}/bin/{ENTRYPOINT_NAME}"] = (0o755, activation.entrypoint.encode())
    with build_layer(None, recipe.compression, recipe.level) as builder:
        for path, (mode, content) in sorted(files.items()):
            builder.add(TarEntry(path, mode=mode, size=len(content), mtime=created), content)
    assert builder.layer is not None
    return builder.layer


def history_file(environment: LockedEnvironment, created: int) -> bytes:
    """Return the content of `conda-meta/history`, from which conda knows what was asked for (conda/history.py)."""
    when = rfc3339(created).replace("T", " ").rstrip("Z")
    lines = [f"==> {when} <==", "# cmd: conda-docker build"]
    lines += sorted(f"+{_distribution(package)}" for package in environment.packages)
    if environment.requested:
        lines.append(f"# update specs: {list(environment.requested)!r}")
    return ("\n".join(lines) + "\n").encode()


def _distribution(package: LockedPackage) -> str:
    channel = (package.channel or package.public_url.rsplit("/", 2)[0]).rstrip("/")
    return f"{channel}/{package.subdir}::{package.name}-{package.version}-{package.build}"
