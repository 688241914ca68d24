"""Subdirs of channels (`linux-64`) and the platforms of images (`linux/amd64`) that they stand for."""

from __future__ import annotations

import re

from conda_docker.arguments.spelling import nearest
from conda_docker.errors import UnsupportedInput
from python_docker.spec.platform import Platform

_PLATFORMS = {
    "linux-64": Platform("linux", "amd64"),
    "linux-aarch64": Platform("linux", "arm64"),
    "linux-ppc64le": Platform("linux", "ppc64le"),
    "linux-s390x": Platform("linux", "s390x"),
    "linux-riscv64": Platform("linux", "riscv64"),
    "linux-loongarch64": Platform("linux", "loong64"),
    "linux-ppc64": Platform("linux", "ppc64"),
    "linux-32": Platform("linux", "386"),
    "linux-armv7l": Platform("linux", "arm", "v7"),
    "linux-armv6l": Platform("linux", "arm", "v6"),
}
_LEVELS = (None, "v1", "v2", "v3", "v4")
"""Variants of linux/amd64, as the psABI of x86-64 numbers them."""
_SUBDIR = re.compile(r"(?:linux|osx|win|emscripten|wasi|freebsd|zos)-[a-z0-9]+")
_KNOWN = ", ".join(str(platform) for platform in _PLATFORMS.values())


def subdir_of_platform(platform: Platform) -> str:
    """Return the subdir whose packages run on `platform`. Raises `UnsupportedInput` when no channel has one.

    >>> subdir_of_platform(Platform.parse("linux/arm64/v8"))
    'linux-aarch64'
    """
    if platform.architecture == "amd64" and platform.variant not in _LEVELS:
        raise UnsupportedInput(
            f"there is no {platform}: the levels of linux/amd64 are {', '.join(level for level in _LEVELS if level)}"
        )
    for subdir, known in _PLATFORMS.items():
        # linux/amd64/v3 is linux-64: the variant matters for arm alone, where each has packages of its own.
        if known.matches(platform) or (known.variant is None and known == Platform(platform.os, platform.architecture)):
            return subdir
    if platform.os != "linux":
        raise UnsupportedInput(
            f"cannot build an image for {platform}: conda packages go into Linux images only; "
            "choose a platform such as linux/amd64 or linux/arm64"
        )
    architectures = {known.architecture: known for known in _PLATFORMS.values()}
    near = architectures.get(nearest(platform.architecture, architectures) or "")
    hint = f"did you mean {near}? There are packages for {_KNOWN}" if near else f"there are for {_KNOWN}"
    raise UnsupportedInput(f"there are no conda packages for {platform}; {hint}")


def platform_of_subdir(subdir: str) -> Platform:
    """Return the platform of an image of packages from `subdir`. Raises `UnsupportedInput`, for osx and win too.

    >>> str(platform_of_subdir("linux-aarch64"))
    'linux/arm64'
    """
    try:
        return _PLATFORMS[subdir]
    except KeyError:
        pass
    if subdir.startswith(("osx-", "win-", "emscripten-", "wasi-", "freebsd-", "zos-")):
        raise UnsupportedInput(
            f"packages for {subdir} do not run in a Linux image; choose a platform such as linux/amd64 or linux/arm64"
        )
    raise UnsupportedInput(f"there is no image platform for {subdir!r}; known subdirs are {', '.join(_PLATFORMS)}")


def parse_platform(text: str) -> Platform:
    """Read a platform of images, or a subdir, which stands for the platform that its packages run on.

    Raises `InvalidPlatform`, and `UnsupportedInput` for a platform without conda packages that run in images.

    >>> str(parse_platform("linux-64")), str(parse_platform("linux/arm64"))
    ('linux/amd64', 'linux/arm64')
    """
    name = text.strip().lower()
    if "/" not in name and (name in _PLATFORMS or _SUBDIR.fullmatch(name)):
        return platform_of_subdir(name)
    if name == "noarch":
        raise UnsupportedInput("noarch packages are for any platform; choose one, such as linux/amd64 or linux/arm64")
    platform = Platform.parse(text)
    subdir_of_platform(platform)
    return platform


def host_subdir() -> str:
    """Return the subdir of Linux packages for this machine's processor, also on macOS and Windows."""
    return subdir_of_platform(Platform.host())
