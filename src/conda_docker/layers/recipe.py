"""Recipe: all that the bytes of an environment's layers depend on, apart from their packages.

It is the only thing that `write_layer` reads, and all of it is in the key by which a layer is found again. Nothing that
differs between environments (what was asked for, history, variables) is in it: that has a small layer of its own.
Nor is anything of the machine that builds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conda_docker.layers.member import has_modules_to_compile, identity
from conda_docker.link.filter import FileFilter
from conda_docker.link.prefix import Prefix
from python_docker.streams.compression import Compression, check_level, zstd_module

if TYPE_CHECKING:
    from conda_docker.layers.member import Losses, Member

LAYER_FORMAT = 5
"""To be raised whenever the same inputs give other bytes: rules of linking, tar headers, compressors, block sizes."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How packages become layers.

    `python_version` (such as "3.12"), `site_packages` (relative to the prefix) and `bytecode` matter for wheels and
    `noarch: python` packages alone. `bytecode` is the exact version of the CPython that compiles their modules
    ("3.12.1", "3.13.5t"), None when none does. `trim` and `exclude` are those of `BuildOptions`. `place` is where the
    prefix leads in the base image, when links are on the way.

    Raises `InvalidPath` for a prefix that cannot be, `ValueError` for a level that the compression does not have.

    >>> Recipe("/opt/conda", "3.12").prefix_in_image.site_packages
    'lib/python3.12/site-packages'
    """

    prefix: str
    python_version: str | None = None
    site_packages: str | None = None
    bytecode: str | None = None
    compression: Compression = Compression.GZIP
    level: int | None = None
    trim: bool = False
    exclude: tuple[str, ...] = ()
    place: str | None = None

    def __post_init__(self) -> None:
        prefix = Prefix(self.prefix, self.python_version, self.site_packages, self.place)
        object.__setattr__(self, "place", prefix.place)
        object.__setattr__(self, "prefix", prefix.path)
        object.__setattr__(self, "python_version", prefix.python_version)
        object.__setattr__(self, "site_packages", prefix.site_packages)
        object.__setattr__(self, "level", check_level(self.compression, self.level))

    @property
    def prefix_in_image(self) -> Prefix:
        """The prefix with the Python in it, for linking."""
        return Prefix(self.prefix, self.python_version, self.site_packages, self.place)

    @property
    def filter(self) -> FileFilter:
        """Which files stay."""
        return FileFilter(self.trim, self.trim, self.exclude)

    def without_bytecode(self) -> Recipe:
        """Return the recipe with which no modules are compiled."""
        return replace(self, bytecode=None)

    def compiles(self, members: Sequence[Member]) -> bool:
        """Return whether modules are compiled for the layer of some packages."""
        return self.bytecode is not None and any(map(has_modules_to_compile, members))

    def key(
        self,
        members: Sequence[Member],
        *,
        extracted: bool = False,
        lost: Losses | None = None,
        replaced: Mapping[str, Sequence[str]] | None = None,
    ) -> str | None:
        """Return the key of the layer of `members`, as hexadecimal digits; None when one of them has no SHA-256.

        `extracted` says that some were read from extracted folders, whose files come in another order. `lost` is
        what packages lose to others of the environment, and `replaced` the distributions of conda packages that
        wheels replace, by the packages' stems.
        """
        inputs = self.inputs(members, extracted=extracted, lost=lost, replaced=replaced)
        return None if inputs is None else digest_of(inputs)

    def inputs(
        self,
        members: Sequence[Member],
        *,
        extracted: bool = False,
        lost: Losses | None = None,
        replaced: Mapping[str, Sequence[str]] | None = None,
    ) -> dict[str, Any] | None:
        """Return all that the key of a layer is a digest of, as JSON values; see `key`."""
        if not all(member.sha256 for member in members):
            return None
        python = any(map(has_modules_to_compile, members))
        inputs: dict[str, Any] = {
            "format": LAYER_FORMAT,
            "packages": [identity(member) for member in members],
            "extracted": extracted,
            "prefix": self.prefix,
            "place": self.place,
            "python": [self.python_version, self.site_packages, self.bytecode] if python else None,
            "compression": self.compression,
            "level": self.level,
            "trim": self.trim,
            "exclude": list(self.exclude),
        }
        if self.compression is Compression.ZSTD:
            # Another version of its library may write other bytes; libdeflate's is pinned instead.
            inputs["zstd"] = zstd_module().zstd_version
        losses = {member.stem: lost[member.stem] for member in members if lost and lost.get(member.stem)}
        if losses:
            inputs["lost"] = {stem: [sorted(loss.without), dict(loss.moved)] for stem, loss in losses.items()}
        if replaced:
            inputs["replaced"] = {stem: sorted(names) for stem, names in replaced.items()}
        return inputs


def digest_of(inputs: Mapping[str, Any]) -> str:
    """Return the key that these inputs make, as hexadecimal digits.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
