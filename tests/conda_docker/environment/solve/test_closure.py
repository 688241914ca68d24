"""The packages that some specs need, out of more."""

from __future__ import annotations

from dataclasses import replace

from conda_docker.environment.locked import LockedPackage, package_from_url
from conda_docker.environment.solve.closure import needed_by

HOST = "https://conda.example.org/forge/linux-64"


def package(name: str, *depends: str) -> LockedPackage:
    return replace(package_from_url(f"{HOST}/{name}-1-0.conda"), depends=depends)


def test_what_is_needed() -> None:
    """Circles end, and what is not there (virtual packages) is passed over."""
    packages = (package("a", "b >=1", "__glibc"), package("b", "c", "a"), package("c"), package("d", "c"), package("e"))
    assert [found.name for found in needed_by(packages, ["forge::a=1"])] == ["a", "b", "c"]
    assert [found.name for found in needed_by(packages, [f"{HOST}/d-1-0.conda"])] == ["c", "d"]
    assert needed_by(packages, []) == ()
