"""Platforms of images and subdirs of channels stand for each other."""

from __future__ import annotations

import pytest

from conda_docker.environment.subdirs import host_subdir, parse_platform, platform_of_subdir, subdir_of_platform
from conda_docker.errors import UnsupportedInput
from python_docker.spec.platform import Platform


@pytest.mark.parametrize(
    ("platform", "subdir"),
    [
        ("linux/amd64", "linux-64"),
        ("linux/amd64/v3", "linux-64"),
        ("linux/arm64", "linux-aarch64"),
        ("linux/arm64/v8", "linux-aarch64"),
        ("linux/ppc64le", "linux-ppc64le"),
        ("linux/s390x", "linux-s390x"),
        ("linux/riscv64", "linux-riscv64"),
        ("linux/arm/v7", "linux-armv7l"),
        ("linux/arm", "linux-armv7l"),
        ("linux/arm/v6", "linux-armv6l"),
        ("linux/386", "linux-32"),
    ],
)
def test_subdir_of_platform(platform: str, subdir: str) -> None:
    assert subdir_of_platform(Platform.parse(platform)) == subdir


@pytest.mark.parametrize("subdir", ["linux-64", "linux-aarch64", "linux-ppc64le", "linux-s390x", "linux-armv7l"])
def test_there_and_back(subdir: str) -> None:
    assert subdir_of_platform(platform_of_subdir(subdir)) == subdir


@pytest.mark.parametrize("subdir", ["osx-64", "osx-arm64", "win-64", "emscripten-wasm32"])
def test_packages_of_other_systems_are_refused(subdir: str) -> None:
    with pytest.raises(UnsupportedInput, match=f"{subdir} do not run in a Linux image"):
        platform_of_subdir(subdir)


@pytest.mark.parametrize("platform", ["windows/amd64", "darwin/arm64"])
def test_images_of_other_systems_are_refused(platform: str) -> None:
    with pytest.raises(UnsupportedInput, match="Linux images only"):
        subdir_of_platform(Platform.parse(platform))


def test_an_architecture_without_packages_is_refused() -> None:
    with pytest.raises(UnsupportedInput, match="no conda packages for linux/mips64le"):
        subdir_of_platform(Platform.parse("linux/mips64le"))


def test_host() -> None:
    assert host_subdir().startswith("linux-")


def test_the_platform_that_was_probably_meant() -> None:
    with pytest.raises(UnsupportedInput, match=r"for linux/amd46; did you mean linux/amd64\? There are packages for"):
        subdir_of_platform(Platform.parse("linux/amd46"))


@pytest.mark.parametrize("text", ["all", "local"])
def test_nothing_is_proposed_that_nobody_can_have_meant(text: str) -> None:
    with pytest.raises(UnsupportedInput, match=f"no conda packages for linux/{text}; there are for linux/amd64"):
        parse_platform(text)


def test_a_level_that_no_processor_has() -> None:
    with pytest.raises(UnsupportedInput, match="no linux/amd64/v5: the levels of linux/amd64 are v1, v2, v3, v4"):
        parse_platform("linux/amd64/v5")
    assert str(parse_platform("linux/amd64/v4")) == "linux/amd64/v4"


def test_noarch_is_no_platform() -> None:
    with pytest.raises(UnsupportedInput, match="noarch packages are for any platform"):
        parse_platform("noarch")
