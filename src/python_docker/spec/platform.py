"""Platforms: the operating system and processor that an image runs on."""

from __future__ import annotations

import platform as host
import re
from dataclasses import dataclass

from python_docker.argument_types import check_optional, check_type
from python_docker.errors import InvalidPlatform

# What users and other tools write for the names that GOARCH knows (image-spec, image-index.md, "Platform Variants").
_ARCHITECTURES: dict[str, tuple[str, str | None]] = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "x64": ("amd64", None),
    "i386": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "arm64v8": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armv7": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "arm32v7": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "arm32v6": ("arm", "v6"),
    "loongarch64": ("loong64", None),
    "ppc64el": ("ppc64le", None),
}
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
_OPERATING_SYSTEMS = {"macos": "darwin", "osx": "darwin"}
_WORD = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system, an architecture (GOOS and GOARCH names) and perhaps a variant.

    >>> Platform.parse("linux/aarch64")
    Platform(os='linux', architecture='arm64', variant=None)
    >>> str(Platform.parse("arm/v6"))
    'linux/arm/v6'
    >>> Platform.parse("linux/arm64").matches(Platform.parse("linux/arm64/v8"))
    True
    """

    os: str = "linux"
    architecture: str = "amd64"
    variant: str | None = None

    def __post_init__(self) -> None:
        check_type("os", self.os, str)
        check_type("architecture", self.architecture, str)
        check_optional("variant", self.variant, str)

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os/architecture[/variant]`, an architecture alone for Linux, or `linux` alone for this machine's.

        Raises `InvalidPlatform`.
        """
        check_type("text", text, str, "such as 'linux/arm64'")
        parts = text.strip().lower().split("/")
        if not 1 <= len(parts) <= 3 or not all(_WORD.fullmatch(part) for part in parts):
            raise InvalidPlatform(
                f"not a platform: {text[:80]!r} (a platform looks like linux/amd64 or linux/arm64/v8)"
            )
        if parts == ["linux"]:
            return cls.host()
        if len(parts) == 1 or (len(parts) == 2 and parts[0] in {"arm", "arm64", "amd64"}):
            parts.insert(0, "linux")
        return cls.of(parts[0], parts[1], parts[2] if len(parts) == 3 else None)

    @classmethod
    def of(cls, os: str, architecture: str, variant: str | None = None) -> Platform:
        """Return the platform of names that may be the kernel's or another tool's instead of Go's.

        >>> Platform.of("Linux", "x86_64")
        Platform(os='linux', architecture='amd64', variant=None)
        >>> Platform.of("linux", "arm", "7")
        Platform(os='linux', architecture='arm', variant='v7')
        """
        check_type("os", os, str)
        check_type("architecture", architecture, str)
        check_optional("variant", variant, str)
        os, architecture = os.strip().lower(), architecture.strip().lower()
        architecture, implied = _ARCHITECTURES.get(architecture, (architecture, None))
        variant = (variant or "").strip().lower()
        if variant.isdecimal() and architecture in _DEFAULT_VARIANT:
            variant = f"v{variant}"
        return cls(_OPERATING_SYSTEMS.get(os, os), architecture, variant or implied)

    @classmethod
    def host(cls) -> Platform:
        """Return Linux on this machine's processor: what containers here run on, also on macOS and Windows."""
        return cls.parse(f"linux/{host.machine() or 'amd64'}")

    def matches(self, other: Platform) -> bool:
        """Return whether an image for `other` is one for this platform: the variant counts when both name one."""
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        default = _DEFAULT_VARIANT.get(self.architecture)
        return (self.variant or default) == (other.variant or default)

    def accepts(self, other: Platform) -> bool:
        """Return whether an image for `other` is what was asked for: as `matches`, and any variant where none was
        named.
        """
        return self.matches(other) or (
            self.variant is None and (self.os, self.architecture) == (other.os, other.architecture)
        )

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
