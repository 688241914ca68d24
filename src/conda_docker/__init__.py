"""Docker and OCI images from conda environments, without Docker.

`create_image` does all of it, `bake` for many images at once; `resolve` and `build_image` are the halves of the former,
`lock` and `open_base` parts of the first of them.

    from conda_docker import create_image
    from python_docker import write_image

    image = create_image(["python=3.12", "numpy"], base="debian:stable-slim", image="demo:1.0")
    write_image(image, "demo.tar")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy
from python_docker.version import __version__

if TYPE_CHECKING:
    from conda_docker.baking.bake import bake
    from conda_docker.baking.result import BakeResult, TargetResult
    from conda_docker.baking.targets.find import find_targets
    from conda_docker.baking.targets.target import Target
    from conda_docker.build_options import Activate, BuildOptions, Bytecode, Layering
    from conda_docker.create import create_image
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.image.assemble import BuildResult, build_image
    from conda_docker.image.base.opening import open_base
    from conda_docker.policy.advisories.sources import AdvisorySource
    from conda_docker.policy.rules import Policy
    from conda_docker.provenance.installed import InstalledEnvironment, InstalledPackage
    from conda_docker.provenance.reading import read_environments
    from conda_docker.request import Request
    from conda_docker.resolution.lock import lock
    from conda_docker.resolution.resolve import Resolved, resolve
    from conda_docker.sbom.document import bill_of_materials
    from conda_docker.verification.rebuild import rebuild

_HOMES = {
    "Activate": "build_options",
    "AdvisorySource": "policy.advisories.sources",
    "BakeResult": "baking.result",
    "BuildOptions": "build_options",
    "BuildResult": "image.assemble",
    "Bytecode": "build_options",
    "Layering": "build_options",
    "InstalledEnvironment": "provenance.installed",
    "InstalledPackage": "provenance.installed",
    "LockedEnvironment": "environment.locked",
    "LockedPackage": "environment.locked",
    "Policy": "policy.rules",
    "Request": "request",
    "Resolved": "resolution.resolve",
    "Target": "baking.targets.target",
    "TargetResult": "baking.result",
    "bake": "baking.bake",
    "bill_of_materials": "sbom.document",
    "build_image": "image.assemble",
    "create_image": "create",
    "find_targets": "baking.targets.find",
    "lock": "resolution.lock",
    "open_base": "image.base.opening",
    "read_environments": "provenance.reading",
    "rebuild": "verification.rebuild",
    "resolve": "resolution.resolve",
}

__all__ = [
    "Activate",
    "AdvisorySource",
    "BakeResult",
    "BuildOptions",
    "BuildResult",
    "Bytecode",
    "InstalledEnvironment",
    "InstalledPackage",
    "Layering",
    "LockedEnvironment",
    "LockedPackage",
    "Policy",
    "Request",
    "Resolved",
    "Target",
    "TargetResult",
    "__version__",
    "bake",
    "bill_of_materials",
    "build_image",
    "create_image",
    "find_targets",
    "lock",
    "open_base",
    "read_environments",
    "rebuild",
    "resolve",
]


_import = lazy(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import conda_docker` costs nothing."""
    import warnings

    from conda_docker.installation import overwritten

    if name in _HOMES and (damage := overwritten()) is not None:
        warnings.warn(damage, RuntimeWarning, stacklevel=2)
    return _import(name)


def __dir__() -> list[str]:
    """List the public names, imported yet or not."""
    return sorted(__all__)
