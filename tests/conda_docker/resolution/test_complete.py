"""What is added to exact conda packages, and what a policy says of the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements
from conda_docker.errors import InvalidEnvironment, PolicyViolated
from conda_docker.policy.rules import Policy
from conda_docker.request import Request
from conda_docker.resolution.complete import complete
from python_docker.progress import SILENT

ZLIB = package_from_record(
    {
        "name": "zlib",
        "version": "1",
        "build": "0",
        "url": "https://x.org/c/linux-64/zlib-1-0.conda",
        "license": "GPL-3.0-only",
    }
)
ENVIRONMENT = LockedEnvironment("linux-64", (ZLIB,))


def completed(tmp_path: Path, environment: LockedEnvironment = ENVIRONMENT, policy: Policy | None = None) -> object:
    options = BuildOptions(cache_dir=tmp_path, offline=True)
    request = Request(files=(Path("environment.yml"),), policy=policy or Policy(), options=options)
    return complete(request, environment, None, False, SILENT)


def test_conda_packages_alone_need_nothing(tmp_path: Path) -> None:
    assert completed(tmp_path) is ENVIRONMENT


@pytest.mark.parametrize(
    "wanted",
    [
        {"pip": PipRequirements(requirements=("flask",))},
        {"wheels": (LockedWheel(name="six", version="1", url="file:///six-1-py3-none-any.whl"),)},
    ],
)
def test_wheels_need_a_python(wanted: dict[str, object], tmp_path: Path) -> None:
    environment = LockedEnvironment("linux-64", (ZLIB,), **wanted)  # type: ignore[arg-type]
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml asks pip for packages, but .* has no Python"):
        completed(tmp_path, environment)


def test_a_policy_is_obeyed(tmp_path: Path) -> None:
    with pytest.raises(PolicyViolated, match="zlib"):
        completed(tmp_path, policy=Policy(deny_licenses=("GPL-3.0-only",)))
