"""GPUs: what a base image and an environment say of CUDA, and what NVIDIA's runtime must know.

Source: nvidia-container-toolkit, internal/config/image (variables of an image), and CEP 30 for `__cuda`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

_VERSION = r"\d{1,3}(?:\.\d{1,3})?(?!\d)"
_REQUIRED = re.compile(rf"cuda>=({_VERSION})")
_CAPABILITIES = "NVIDIA_DRIVER_CAPABILITIES"
_REQUIRE = "NVIDIA_REQUIRE_CUDA"


def cuda_of_base(variables: Mapping[str, str]) -> str | None:
    """Return the version of CUDA that an image made for GPUs says in its variables, such as "12.4"; None for others.

    >>> cuda_of_base({"CUDA_VERSION": "12.4.1"})
    '12.4'
    """
    for text in (variables.get("CUDA_VERSION", ""), *_REQUIRED.findall(variables.get(_REQUIRE, ""))):
        if found := re.match(_VERSION, text):
            return found[0]
    return None


def uses_cuda(packages: Iterable[LockedPackage]) -> bool:
    """Return whether some package is built for CUDA: it needs `__cuda` or the runtime of a version."""
    return any(
        package.name == "cudatoolkit" or any(spec.split()[0] in ("__cuda", "cuda-version") for spec in package.depends)
        for package in packages
    )


def gpu_variables(packages: Iterable[LockedPackage], variables: Mapping[str, str]) -> dict[str, str]:
    """Return what to set so that NVIDIA's runtime gives a container the driver that an environment needs.

    Nothing for an environment without CUDA builds, nor what the base image's `variables` say already. Never
    `NVIDIA_VISIBLE_DEVICES`, which would hand a container every GPU of its node, past Kubernetes' scheduler.
    """
    packages = tuple(packages)
    if not uses_cuda(packages):
        return {}
    wanted = {_CAPABILITIES: "compute,utility"}
    version = next((package.version for package in packages if package.name in ("cuda-version", "cudatoolkit")), "")
    if found := re.match(_VERSION, version):
        wanted[_REQUIRE] = f"cuda>={found[0]}"
    return {name: value for name, value in wanted.items() if not variables.get(name)}
