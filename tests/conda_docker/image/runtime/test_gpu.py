"""What images and environments say of CUDA."""

from __future__ import annotations

import pytest

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.image.runtime.gpu import cuda_of_base, gpu_variables


def package(name: str, version: str = "1.0", depends: tuple[str, ...] = ()) -> LockedPackage:
    url = f"https://example.com/c/linux-64/{name}-{version}-0.conda"
    return package_from_record({"name": name, "version": version, "build": "0", "url": url, "depends": list(depends)})


CUDA = [package("cuda-version", "12.4"), package("pytorch", depends=("__cuda", "cuda-version >=12.4,<13"))]


@pytest.mark.parametrize(
    ("variables", "version"),
    [
        ({}, None),
        ({"CUDA_VERSION": "12.4.1"}, "12.4"),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=11.8 brand=tesla,driver>=470"}, "11.8"),
        ({"CUDA_VERSION": "", "NVIDIA_REQUIRE_CUDA": ""}, None),
        ({"CUDA_VERSION": "latest"}, None),
        ({"CUDA_VERSION": "12"}, "12"),
        ({"CUDA_VERSION": "20240101"}, None),
        ({"CUDA_VERSION": "latest", "NVIDIA_REQUIRE_CUDA": "cuda>=12"}, "12"),
    ],
)
def test_the_cuda_of_a_base(variables: dict[str, str], version: str | None) -> None:
    assert cuda_of_base(variables) == version


def test_an_environment_for_gpus() -> None:
    expected = {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility", "NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}
    assert gpu_variables(CUDA, {}) == expected


def test_the_runtime_is_told_of_no_version_that_is_not_known() -> None:
    assert gpu_variables([package("a", depends=("__cuda >=11",))], {}) == {
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"
    }


def test_what_the_base_says_stays() -> None:
    base = {"NVIDIA_DRIVER_CAPABILITIES": "all", "NVIDIA_REQUIRE_CUDA": "cuda>=12.0"}
    assert gpu_variables(CUDA, base) == {}


def test_an_environment_without_cuda() -> None:
    assert gpu_variables([package("numpy", depends=("python >=3.12", "libblas"))], {}) == {}
