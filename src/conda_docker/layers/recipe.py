"""The key of a layer: a digest of everything that its bytes depend on.

A layer is a pure function of packages, prefix and options. Nothing that differs between environments (what was asked
for, history, variables) goes into a package's layer; it has a small layer of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.layers.member import Member, has_modules_to_compile, identity
from python_docker.compression import Compression, check_level, zstd_module

if TYPE_CHECKING:
    from conda_docker.layers.clobbers import Losses

LAYER_FORMAT = 5
"""To be raised whenever the same inputs give other bytes: rules of linking, tar headers, compressors, block sizes."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a layer depends on beside its packages.

    `python` (minor version and site-packages folder, such as `("3.12", "lib/python3.12/site-packages")`) and `compiler`
    (the byte-compiler's magic number, None when modules are not compiled) matter for `noarch: python` packages alone.
    """

    prefix: str
    python: tuple[str, str] | None = None
    compiler: str | None = None
    compression: Compression = Compression.GZIP
    level: int | None = None
    trim: bool = False
    exclude: tuple[str, ...] = ()

    def key(
        self,
        packages: Sequence[Member],
        *,
        extracted: bool = False,
        lost: Losses | None = None,
        replaced: Mapping[str, Sequence[str]] | None = None,
    ) -> str | None:
        """The key of the layer of `packages`, as hexadecimal digits; None when one of them has no SHA-256.

        `extracted` tells that some were read from extracted folders, whose files come in another order. `lost` are the
        paths that packages lose to others of the environment, and `replaced` the distributions of conda packages that
        wheels replace, by the packages' stems.

        Raises `ValueError` for a level that the compression does not have.
        """
        if not all(package.sha256 for package in packages):
            return None
        needs_python = any(map(has_modules_to_compile, packages))
        inputs = {
            "format": LAYER_FORMAT,
            "packages": [identity(package) for package in packages],
            "extracted": extracted,
            "prefix": self.prefix,
            "python": self.python if needs_python else None,
            "compiler": self.compiler if needs_python else None,
            "compression": self.compression,
            "level": check_level(self.compression, self.level),
            "trim": self.trim,
            "exclude": list(self.exclude),
        }
        if self.compression is Compression.ZSTD:
            # Another version of its library may write other bytes; libdeflate's is pinned instead.
            inputs["zstd"] = zstd_module().zstd_version
        if replaced:
            inputs["replaced"] = replaced
        if without := {
            package.stem: sorted(lost[package.stem]) for package in packages if lost and lost.get(package.stem)
        }:
            inputs["without"] = without
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
