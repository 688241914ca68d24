"""What a build may be asked for: the options of `conda-docker build`, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from python_docker.compression import Compression, check_level
from python_docker.errors import InvalidPath
from python_docker.tar import contained_path

MAX_LAYERS = 120
"""Docker refuses more than 125 layers (moby, layer/layer_store.go); some are left for those who build on the image."""


class Bytecode(StrEnum):
    """Whether the modules of `noarch: python` packages are byte-compiled, as conda does when it installs them."""

    AUTO = "auto"
    """When an interpreter of the right version can be found."""
    ALWAYS = "always"
    """Or the build fails."""
    NEVER = "never"


class Layering(StrEnum):
    """Who shares a layer."""

    LAYERED = "layered"
    """A layer for each package, as far as the number of layers allows."""
    SINGLE = "single"
    """One layer for all packages."""


class Activate(StrEnum):
    """How a container gets what `conda activate` would set."""

    AUTO = "auto"
    """Variables in the image, and an entrypoint if any package brings activation scripts."""
    ENV = "env"
    """Variables in the image alone."""
    ENTRYPOINT = "entrypoint"
    """Variables, and an entrypoint in any case."""
    NEVER = "never"
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How an environment becomes an image; every field has the default of the command line.

    `prefix` is where the environment lives in the image (None: `/opt/conda`, unless the base image has a conda
    environment there already; see `choose_prefix`); `max_layers` counts the base image's layers too. `env`, `labels`,
    `entrypoint`, `cmd`, `user`, `workdir` and `expose` go to the image's runtime config over what the base has; `add`
    holds pairs of a path on this machine and one in the image.

    `cache_dir` is the folder of the layer cache (None: the user's). `use_cache` false builds every layer anew.
    `use_extracted` reads packages that are extracted in a cache of conda or pixi from there rather than download their
    archives: quicker the first time, but the digest may be another than elsewhere. `workers` is how many layers are
    written at once (None: one more than there are processors); it never changes the result.

    Raises `InvalidPath` for a prefix that is no absolute path, `ValueError` for a level or number out of range.

    >>> BuildOptions(prefix="/opt/conda/").prefix
    '/opt/conda'
    """

    prefix: str | None = None
    layering: Layering = Layering.LAYERED
    max_layers: int = MAX_LAYERS
    compression: Compression = Compression.GZIP
    compression_level: int | None = None
    bytecode: Bytecode = Bytecode.AUTO
    activate: Activate = Activate.AUTO
    trim: bool = True
    exclude: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    user: str | None = None
    workdir: str | None = None
    expose: tuple[str, ...] = ()
    add: tuple[tuple[Path, str], ...] = ()
    cache_dir: Path | None = None
    use_cache: bool = True
    offline: bool = False
    use_extracted: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.prefix is not None:
            if not self.prefix.startswith("/"):
                raise InvalidPath(f"the prefix in the image must be an absolute path, not {self.prefix[:200]!r}")
            object.__setattr__(self, "prefix", "/" + contained_path(self.prefix))
        check_level(self.compression, self.compression_level)
        if not 1 <= self.max_layers <= 125:
            raise ValueError(f"max_layers must be from 1 to 125, not {self.max_layers}")
        if self.workers is not None and self.workers < 1:
            raise ValueError("workers must be at least 1")
