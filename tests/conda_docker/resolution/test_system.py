"""The base image's C library must be as new as the packages need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.environment.locked import LockedEnvironment, package_from_url
from conda_docker.environment.virtual_packages import VirtualPackage
from conda_docker.errors import InvalidEnvironment
from conda_docker.resolution.system import check_system, needed_glibc

URL = "https://conda.example.org/forge/linux-64/{}-1-0.conda"


def environment(*depends: str, platform: str | None = None, cuda: str | None = None) -> LockedEnvironment:
    """Return an environment with a package for each dependency, for a platform with this glibc and CUDA."""
    packages = [
        replace(package_from_url(URL.format(f"p{number}")), depends=("zlib", spec))
        for number, spec in enumerate(depends)
    ]
    virtual = [VirtualPackage("__glibc", platform)] if platform else []
    virtual += [VirtualPackage("__cuda", cuda)] if cuda else []
    return LockedEnvironment("linux-64", tuple(packages), virtual_packages=tuple(virtual))


@pytest.mark.parametrize(
    ("depends", "platform", "needed"),
    [
        ((), None, None),
        (("__glibc",), None, None),
        (("__glibc >=2.17,<3.0.a0",), None, ("2.17", "p0-1-0")),
        (("__glibc <3,>=2.17",), None, ("2.17", "p0-1-0")),
        (("__glibc >=2.17", "__glibc >=2.34", "__glibc >=2.9"), None, ("2.34", "p1-1-0")),
        (("__glibc >=2.17",), "2.28", ("2.28", "its platform")),
        (("__glibc >=2.34",), "2.28", ("2.34", "p0-1-0")),
    ],
)
def test_what_is_needed(depends: tuple[str, ...], platform: str | None, needed: tuple[str, str] | None) -> None:
    assert needed_glibc(environment(*depends, platform=platform)) == needed


@pytest.mark.parametrize("glibc", ["2.28", "2.36", "3", None])
def test_a_base_that_is_new_enough(glibc: str | None) -> None:
    assert check_system(environment("__glibc >=2.28"), glibc=glibc, base="debian") == ()


@pytest.mark.parametrize("glibc", ["2.9", "2.27", "2"])
def test_a_base_that_is_too_old(glibc: str) -> None:
    with pytest.raises(
        InvalidEnvironment, match=f"glibc 2.28 or later .for p0-1-0., and the base image old has {glibc}"
    ):
        check_system(environment("__glibc >=2.28"), glibc=glibc, base="old")


def test_a_gpu() -> None:
    assert check_system(environment(cuda="12.4"), glibc=None, base="debian") == (
        "the packages were chosen for CUDA 12.4: the container needs a GPU and its driver from the host",
    )
