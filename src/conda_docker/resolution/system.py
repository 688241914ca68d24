"""Whether the system in an image offers what exact packages were chosen for."""

from __future__ import annotations

import re

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import InvalidEnvironment

_AT_LEAST = re.compile(r"__glibc\s+(?=\S)(?:[^,|]*,)*>=\s*([0-9]+(?:\.[0-9]+)*)")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def check_system(environment: LockedEnvironment, *, glibc: str | None, base: str) -> tuple[str, ...]:
    """Return warnings about what the packages need of the system and an image cannot hold, such as a GPU's driver.

    `glibc` is the version of the C library in the base image `base`; None: it is not known, or another library. Raises
    `InvalidEnvironment` where it is older than the packages need.
    """
    wanted = needed_glibc(environment)
    if glibc is not None and wanted is not None and _key(wanted[0]) > _key(glibc):
        version, who = wanted
        raise InvalidEnvironment(
            f"the environment needs glibc {version} or later (for {who}), and the base image {base} has {glibc}; "
            "choose a base with a newer one (--base)"
        )
    cuda = next((package for package in environment.virtual_packages if package.name == "__cuda"), None)
    if cuda is None:
        return ()
    return (
        f"the packages were chosen for CUDA {cuda.version}: the container needs a GPU and its driver from the host",
    )


def needed_glibc(environment: LockedEnvironment) -> tuple[str, str] | None:
    """Return the glibc that an environment needs at least and what needs it, or None where nothing says so.

    What the input says of its platform counts, and the dependencies of packages that are known.
    """
    needs = [
        (package.version, "its platform")
        for package in environment.virtual_packages
        if package.name == "__glibc" and _VERSION.fullmatch(package.version)
    ]
    for package in environment.packages:
        needs += [(found[1], package.stem) for spec in package.depends if (found := _AT_LEAST.match(spec))]
    return max(needs, key=lambda need: _key(need[0]), default=None)


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version))
