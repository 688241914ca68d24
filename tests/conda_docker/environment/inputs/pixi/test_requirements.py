"""Whether a lock file has what requirements for pip ask for, and all that this needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.environment.inputs.pixi.requirements import unmet_requirements
from conda_docker.environment.locked import LockedEnvironment, package_from_url
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements


def wheel(name: str, version: str = "1", *requires: str) -> LockedWheel:
    url = f"https://host/{name}-{version}-py3-none-any.whl"
    return LockedWheel(name=name, version=version, url=url, requires=requires)


def locked(*wheels: LockedWheel, pip: PipRequirements | None = None) -> LockedEnvironment:
    python = package_from_url("https://host/linux-64/python-3.12.1-0.conda")
    numpy = package_from_url("https://host/linux-64/numpy-2.0-0.conda")
    torch = replace(
        package_from_url("https://host/linux-64/pytorch-2.0-0.conda"), record={"purls": ["pkg:pypi/torch@2.0"]}
    )
    return LockedEnvironment("linux-64", (python, numpy, torch), wheels=wheels, pip=pip)


def unmet(environment: LockedEnvironment, *requirements: str) -> list[str]:
    return list(unmet_requirements(requirements, environment))


@pytest.mark.parametrize(
    "requirement", ["six", "Six>=1", "numpy>9", "torch", 'nothing; sys_platform == "win32"', "not a requirement!"]
)
def test_what_is_met(requirement: str) -> None:
    assert unmet(locked(wheel("six")), requirement) == []


def test_a_wheel_of_another_version() -> None:
    assert unmet(locked(wheel("six")), "six>2") == ["its six for pip is 1, not >2"]


def test_what_is_missing() -> None:
    assert unmet(locked(), "six") == ["it has no six for pip"]


def test_what_a_wheel_needs_counts() -> None:
    assert unmet(locked(wheel("a", "1", "b>2"), wheel("b")), "a") == ["its b for pip is 1, not >2"]


def test_extras_need_more() -> None:
    a = wheel("a", "1", 'b; extra == "more"')
    assert unmet(locked(a), "a") == []
    assert unmet(locked(a), "a[more]") == ["it has no b for pip"]


def test_circles_come_to_an_end() -> None:
    assert unmet(locked(wheel("a", "1", "b"), wheel("b", "1", "a")), "a") == []


def test_sources_will_do() -> None:
    sources = PipRequirements(requirements=("a @ git+https://host/a.git",))
    assert unmet(locked(pip=sources), "a>5") == []
