"""The base image, and what packages are chosen for."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.errors import InvalidEnvironment, Unsolvable
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from python_docker import Image
from python_docker.errors import PlatformNotFound
from python_docker.spec.platform import Platform
from python_docker.transports import write_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.commands.test_copy import write_index
from tests.conda_docker.resolution.asking import resolve_one, write


def test_the_base_is_known_before_packages_are_chosen(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    base = Image("base", "1")
    base.add_layer_contents({"etc/base": b"base"})
    write_image(base, f"oci:{tmp_path}/base:1")
    known: list[Image] = []
    request = Request(
        specs=["nothing-of-that-name"],
        channels=[synthetic_channel.url],
        override_channels=True,
        base=f"oci:{tmp_path}/base:1",
        options=BuildOptions(cache_dir=tmp_path / "cache"),
    )
    with pytest.raises(Unsolvable):
        resolve(request, opened=known.append)
    assert [image.digest for image in known] == [base.digest]


def test_packages_are_chosen_for_the_base_s_c_library(
    base: str, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="tool", version="1", subdir="linux-aarch64", depends=("__glibc >=2.17",)),
        SyntheticPackage(name="tool", version="2", subdir="linux-aarch64", depends=("__glibc >=2.34",)),
    )
    fields = {"base": base, "channels": synthetic_channel.url, "platforms": "linux/arm64"}
    found = resolve_one(tmp_path, specs="tool", **fields)
    assert found.base is not None
    assert [package.version for package in found.environment.packages] == ["1"]
    found = resolve_one(tmp_path, specs="tool", virtual_packages="__glibc=2.40", **fields)
    assert [package.version for package in found.environment.packages] == ["2"]
    with pytest.raises(Unsolvable):
        resolve_one(tmp_path, specs="tool=2", **fields)


def test_a_list_of_exact_packages_says_its_platform(base: str, tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://conda.example.org/forge/linux-aarch64/tool-1-0.conda\n")
    found = resolve_one(tmp_path, files=file, base=base)
    assert found.environment.subdir == "linux-aarch64"
    assert found.base is not None
    assert found.base.platform == Platform("linux", "arm64")


def test_scratch_is_not_an_image(tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://conda.example.org/forge/linux-64/tool-1-0.conda\n")
    assert resolve_one(tmp_path, files=file, base="scratch").base is None


def test_a_base_for_another_platform_only(tmp_path: Path) -> None:
    write_index(tmp_path / "many")
    with pytest.raises(PlatformNotFound, match="linux/s390x"):
        resolve_one(tmp_path, specs="x", base=f"oci:{tmp_path}/many", platforms="linux/s390x")


def test_a_pixi_workspace_that_needs_a_newer_glibc(
    base: str, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="app", subdir="linux-aarch64"))
    file = write(
        tmp_path / "pixi.toml",
        f'[workspace]\nchannels = ["{synthetic_channel.url}"]\n'
        'platforms = [{ platform = "linux-aarch64", glibc = "2.28" }]\n[dependencies]\napp = "*"\n',
    )
    with pytest.raises(InvalidEnvironment, match=r"needs glibc 2\.28 or later .*, and the base image .* has 2\.17"):
        resolve_one(tmp_path, files=file, base=base, platforms="linux/arm64")


def test_a_base_that_says_which_cuda_it_has(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="torch", build="cpu_0"),
        SyntheticPackage(name="torch", build="cuda_0", build_number=1, depends=("__cuda >=12",)),
    )
    base = Image("base", "1")
    base.add_layer_contents({"/bin/sh": b""})
    base.config.set_variable("CUDA_VERSION", "12.4.1")
    write_image(base, f"oci:{tmp_path / 'base'}:1")
    options = {"channels": [synthetic_channel.url], "override_channels": True, "base": f"oci:{tmp_path / 'base'}:1"}
    resolved = resolve_one(tmp_path, specs=["torch"], **options)
    assert [package.build for package in resolved.environment.packages] == ["cuda_0"]
    without = resolve_one(tmp_path, specs=["torch"], virtual_packages=["__cuda="], **options)
    assert [package.build for package in without.environment.packages] == ["cpu_0"]
    assert without.environment.warnings == ()  # nobody who took it away needs to hear of it


def test_a_base_that_tells_conda_of_a_gpu(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="gpu", depends=("__cuda >=12",)))
    base = Image("base", "1")
    base.add_layer_contents({"/bin/sh": b""})
    base.config.set_variable("CONDA_OVERRIDE_CUDA", "12.4")
    write_image(base, f"oci:{tmp_path / 'base'}:1")
    options = {"channels": [synthetic_channel.url], "override_channels": True, "base": f"oci:{tmp_path / 'base'}:1"}
    assert resolve_one(tmp_path, specs=["gpu"], **options).environment.packages
