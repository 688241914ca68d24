"""From what a user describes to exact packages and a base image."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.description import Description, prepare
from conda_docker.errors import Unsolvable
from python_docker import Image
from python_docker.errors import PlatformNotFound
from python_docker.spec.platform import Platform
from python_docker.transports import write_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

OLD_GLIBC = b"\x7fELF GNU C Library (Debian GLIBC 2.17-1) stable release version 2.17.\n"


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Return the place of a base image for arm64 whose C library is old."""
    image = Image("base", "v1", platform=Platform("linux", "arm64"))
    image.add_layer_contents({"lib/aarch64-linux-gnu/libc.so.6": OLD_GLIBC})
    write_image(image, f"oci:{tmp_path}/base:v1")
    return f"oci:{tmp_path}/base:v1"


def test_packages_are_chosen_for_the_base_s_c_library(
    base: str, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="tool", version="1", subdir="linux-aarch64", depends=("__glibc >=2.17",)),
        SyntheticPackage(name="tool", version="2", subdir="linux-aarch64", depends=("__glibc >=2.34",)),
    )
    channels = {"channels": [synthetic_channel.url], "override_channels": True}
    arm64 = Platform("linux", "arm64")
    environment, image = prepare(
        Description(specs=["tool"], base=base, **channels), arm64, cache_dir=tmp_path / "cache"
    )
    assert image is not None
    assert [package.version for package in environment.packages] == ["1"]
    told = Description(specs=["tool"], base=base, virtual=["__glibc=2.40"], **channels)
    environment, _ = prepare(told, arm64, cache_dir=tmp_path / "cache")
    assert [package.version for package in environment.packages] == ["2"]
    with pytest.raises(Unsolvable):
        prepare(Description(specs=["tool=2"], base=base, **channels), arm64, cache_dir=tmp_path / "cache")


def test_a_list_of_exact_packages_tells_the_platform(base: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("@EXPLICIT\nhttps://conda.example.org/forge/linux-aarch64/tool-1-0.conda\n")
    environment, image = prepare(Description(file=listed, base=base), cache_dir=tmp_path / "cache")
    assert environment.subdir == "linux-aarch64"
    assert image is not None
    assert image.platform == Platform("linux", "arm64")


def test_scratch_is_no_image(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("@EXPLICIT\nhttps://conda.example.org/forge/linux-64/tool-1-0.conda\n")
    assert prepare(Description(file=listed), cache_dir=tmp_path / "cache")[1] is None


def test_a_base_for_another_platform_only(tmp_path: Path) -> None:
    from tests.conda_docker.cli.commands.test_copy import write_index

    write_index(tmp_path / "many")
    with pytest.raises(PlatformNotFound, match="linux/s390x"):
        prepare(Description(specs=["x"], base=f"oci:{tmp_path}/many"), Platform("linux", "s390x"), cache_dir=tmp_path)
