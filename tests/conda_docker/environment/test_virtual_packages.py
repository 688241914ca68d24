"""What the solver takes for granted of the system that the image will run on."""

from __future__ import annotations

import pytest

from conda_docker.environment.virtual_packages import VirtualPackage, override_variables, virtual_packages
from conda_docker.errors import InvalidEnvironment
from python_docker.errors import InvalidVariable


def texts(subdir: str = "linux-64", **options: object) -> list[str]:
    return [str(package) for package in virtual_packages(subdir, **{"environ": {}, **options})]  # type: ignore[arg-type]


def test_defaults() -> None:
    assert texts() == ["__archspec=1=x86_64", "__glibc=2.28=0", "__linux=4.18=0", "__unix=0=0"]


@pytest.mark.parametrize(
    ("subdir", "name"), [("linux-aarch64", "aarch64"), ("linux-ppc64le", "ppc64le"), ("linux-s390x", "s390x")]
)
def test_architectures(subdir: str, name: str) -> None:
    assert f"__archspec=1={name}" in texts(subdir)


def test_the_base_images_glibc_and_the_platforms_variant() -> None:
    found = texts(glibc="2.36", microarchitecture="x86_64_v3")
    assert "__glibc=2.36=0" in found
    assert "__archspec=1=x86_64_v3" in found


def test_overrides() -> None:
    found = texts(overrides=["__cuda=12.4", "glibc=2.40", "__linux=", "archspec=x86_64_v4", "__team=1=b"])
    assert found == ["__archspec=1=x86_64_v4", "__cuda=12.4=0", "__glibc=2.40=0", "__team=1=b", "__unix=0=0"]


def test_variables_of_conda_count_and_options_win_over_them() -> None:
    environ = {"CONDA_OVERRIDE_CUDA": "11.8", "CONDA_OVERRIDE_LINUX": "", "CONDA_OVERRIDE_ARCHSPEC": "x86_64_v2"}
    assert texts(environ=environ) == ["__archspec=1=x86_64_v2", "__cuda=11.8=0", "__glibc=2.28=0", "__unix=0=0"]
    assert "__cuda=12.0=0" in texts(environ=environ, overrides=["__cuda=12.0"])


@pytest.mark.parametrize("text", ["", "cuda", "__cuda", "=1", "__CUDA!=1", "__cuda=1 2", "__cuda=1=a b", "__cuda=>1"])
def test_what_is_no_virtual_package(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"not a version|not a virtual package"):
        texts(overrides=[text])


@pytest.mark.parametrize("text", ["cudaa=12", "__cdua=12", "__gilbc=2.17", "glib=2.17", "__cuda_arc=9.0"])
def test_a_slip_is_no_virtual_package(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"not a virtual package: .*did you mean '__(cuda|glibc|cuda_arch)'\?"):
        texts(overrides=[text])


@pytest.mark.parametrize("text", ["__cuda=v12.4", "cuda=none", "__glibc=latest", "__cuda_arch=sm_90"])
def test_a_word_is_not_a_version_of_what_is_counted(text: str) -> None:
    name = text.partition("=")[0].removeprefix("__")
    with pytest.raises(InvalidEnvironment, match=rf"not a version of __{name}: .*; it is a number"):
        texts(overrides=[text])
    variable = {f"CONDA_OVERRIDE_{name.upper()}": text.partition("=")[2]}
    with pytest.raises(InvalidVariable, match=rf"CONDA_OVERRIDE_{name.upper()}: not a version"):
        texts(environ=variable)


def test_variables_of_conda_in_the_base_image_count() -> None:
    base = {"CONDA_OVERRIDE_CUDA": "12.4", "CONDA_OVERRIDE_GLIBC": "broken!", "PATH": "/bin"}
    found = virtual_packages("linux-64", glibc="2.36", cuda="12.2", base=base, environ={})
    cuda = next(package for package in found if package.name == "__cuda")
    assert (str(cuda), str(cuda.origin)) == ("__cuda=12.4=0", "base image")
    assert "__glibc=2.36=0" in map(str, found)
    assert "__cuda=11.8=0" in texts(base=base, environ={"CONDA_OVERRIDE_CUDA": "11.8"})
    assert not any(text.startswith("__cuda") for text in texts(cuda="12.2", base={"CONDA_OVERRIDE_CUDA": ""}))


def test_variables_for_another_solver() -> None:
    packages = virtual_packages("linux-64", overrides=["__linux="], environ={})
    assert override_variables(packages) == {
        "CONDA_OVERRIDE_ARCHSPEC": "x86_64",
        "CONDA_OVERRIDE_CUDA": "",
        "CONDA_OVERRIDE_CUDA_ARCH": "",
        "CONDA_OVERRIDE_GLIBC": "2.28",
        "CONDA_OVERRIDE_LINUX": "",
    }


def test_a_package_that_no_variable_can_bring_is_refused() -> None:
    with pytest.raises(InvalidEnvironment, match="cannot be given the virtual package __team"):
        override_variables([VirtualPackage("__team", "1")])


def test_each_says_where_it_comes_from() -> None:
    packages = virtual_packages(
        "linux-64",
        glibc="2.36",
        cuda="12.4",
        declared=["__linux=5.10", "__cuda_arch=8.0"],
        overrides=["cuda_arch=9.0"],
        environ={"CONDA_OVERRIDE_ARCHSPEC": "x86_64_v3"},
    )
    assert {package.name: (package.version, str(package.origin)) for package in packages} == {
        "__archspec": ("1", "environment variable"),
        "__cuda": ("12.4", "base image"),
        "__cuda_arch": ("9.0", "option"),
        "__glibc": ("2.36", "base image"),
        "__linux": ("5.10", "file"),
        "__unix": ("0", "platform"),
    }
    assert virtual_packages("linux-64", environ={})[1].origin == "default"


@pytest.mark.parametrize(
    ("subdir", "asked", "found"),
    [
        ("linux-64", "x86_64_v3", "x86_64_v3"),
        ("linux-aarch64", "x86_64_v3", "aarch64"),
        ("linux-64", "aarch64", "x86_64"),
        ("linux-64", "zen3", "zen3"),
        ("linux-aarch64", "neoverse_v1", "neoverse_v1"),
    ],
)
def test_a_level_of_one_processor_is_for_its_platform_alone(subdir: str, asked: str, found: str) -> None:
    packages = virtual_packages(subdir, overrides=[f"archspec={asked}"], environ={})
    assert f"__archspec=1={found}" in map(str, packages)
