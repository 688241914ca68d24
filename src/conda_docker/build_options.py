"""What a build may be asked for: the options of `conda-docker build`, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.in_image import (
    to_additions,
    to_bill_formats,
    to_folder,
    to_home,
    to_mode,
    to_ports,
    to_user,
    to_user_name,
)
from conda_docker.arguments.values import (
    Conversion,
    convert_fields,
    to_choice,
    to_command,
    to_flag,
    to_mapping,
    to_number,
    to_optional_number,
    to_path,
    to_patterns,
    to_text,
)
from conda_docker.errors import MissingOption
from conda_docker.profiles.names import PROFILE_NAMES
from python_docker.errors import InvalidPath
from python_docker.spec import limits
from python_docker.streams.compression import WRITTEN, Compression, check_level

if TYPE_CHECKING:
    from conda_docker.arguments.layer_repository import LayerRepository

MAX_LAYERS = 120
"""Docker refuses more than 125 layers (moby, layer/layer_store.go); some are left for those who build on the image."""

DEFAULT_BASE = "debian:stable-slim"
"""What an image is built on when nobody names a base."""

SCRATCH = "scratch"
"""The name of an empty base."""


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
    """A layer for each package, up to the number of layers allowed."""
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


class LinkScripts(StrEnum):
    """What becomes of the link scripts that packages bring."""

    WARN = "warn"
    """They are not run, and named."""
    RUN = "run"
    """They run in a sandbox, and what they change becomes a layer."""
    REFUSE = "refuse"
    """The build fails when a package has one."""


def to_repositories(name: str, value: object) -> tuple[LayerRepository, ...]:
    """Return layer repositories; each may be given as the name of one."""
    if value == ():
        return ()
    from conda_docker.arguments.layer_repository import LayerRepository

    items = (value,) if isinstance(value, (str, LayerRepository)) else value
    if not isinstance(items, Iterable):
        raise TypeError(f"{name} must be names of repositories, not {value!r}")
    found = []
    for item in items:
        if not isinstance(item, (str, LayerRepository)):
            raise TypeError(f"{name} must be names of repositories, not {item!r}")
        found.append(item if isinstance(item, LayerRepository) else LayerRepository(item))
    return tuple(found)


def to_share(name: str, value: object) -> float:
    """Return a share from 0 to 1; a string is a percentage, such as `5%`."""
    if isinstance(value, str):
        number, percent, rest = value.strip().partition("%")
        try:
            share = float(number) / 100
        except ValueError:
            share = -1.0
        if not percent or rest or share < 0:
            raise ValueError(f"{name}: expected a percentage such as 5%, got {value[:80]!r}")
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number from 0 to 1, not {value!r}")
    else:
        share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be from 0% to 100%")
    return share


_NEEDED = {
    "chown": ("add", "whose files it is for"),
    "chmod": ("add", "whose files it is for"),
    "user_name": ("user", "whose name it is"),
    "home": ("user", "whose home folder it is"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How an environment becomes an image; every field has the default of the command line.

    `prefix` is where the environment lives in the image (None: `/opt/conda`, unless the base image has a conda
    environment there already; see `choose_prefix`); `max_layers` counts the base image's layers too. `env`, `labels`,
    `entrypoint`, `cmd`, `user`, `workdir` and `expose` go to the image's runtime config over what the base has; `add`
    holds pairs of a path on this machine and one in the image; `chown` (`USER[:GROUP]`) and `chmod` (such as 0o644 or
    "644") are whose these files are, and their mode. A `user` that the base image does not have is added to
    it, with `user_name` and `home` (None: see `conda_docker.image.runtime.users.container_user`).

    `profile` is the name of a system whose expectations the image meets, such as "jupyterhub": it fills in what is not
    given here (see `conda_docker.profiles`), and changes nothing else.

    `frozen` marks the environment as one that conda and pip leave as it is.

    `sbom_in_image` are formats of bills of materials, "cyclonedx" or "spdx", that become files in the image.

    `link_scripts` says what becomes of packages' link scripts, `link_scripts_network` whether they have a network.

    `cache_dir` is the folder of the layer cache (None: the user's). `use_cache` false builds every layer anew.
    `use_extracted` reads packages that are extracted in a cache of conda or pixi from there rather than download their
    archives: quicker the first time, but the digest may be another than elsewhere. `workers` is how many layers are
    written at once (None: one more than there are processors); it never changes the result.

    `annotations` go to the image's manifest; a key that begins with `index:` goes to the index of several platforms.

    `cache_from` and `cache_to` are repositories of registries that layers are looked up in and kept in, such as
    "ghcr.io/org/layers"; `verify_cache` is the share (0 to 1) of layers found there that is made anew and compared.

    Strings are understood as on the command line: `cmd="python -m app"` is split as a shell splits it, `exclude="*.md"`
    is one pattern, `layering="single"` and `compression="zstd"` are the members of their enumerations,
    `add="app:/srv/app"` is a pair.

    Raises `InvalidPath` for a prefix that is not absolute, and `TypeError` or `ValueError`, with the name of the field
    and what is allowed, for any other value that cannot be used.

    >>> BuildOptions(prefix="/opt/conda/", cmd="python -m app").cmd
    ('python', '-m', 'app')
    """

    profile: str | None = None
    prefix: str | None = None
    layering: Layering = Layering.LAYERED
    max_layers: int = MAX_LAYERS
    compression: Compression = Compression.GZIP
    compression_level: int | None = None
    bytecode: Bytecode = Bytecode.AUTO
    activate: Activate = Activate.AUTO
    frozen: bool = False
    trim: bool = False
    exclude: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] | None = None
    cmd: Sequence[str] | None = None
    user: str | None = None
    user_name: str | None = None
    home: str | None = None
    sbom_in_image: tuple[str, ...] = ()
    link_scripts: LinkScripts = LinkScripts.WARN
    link_scripts_network: bool = False
    workdir: str | None = None
    expose: Sequence[str] = ()
    add: Sequence[tuple[Path, str]] = ()
    chown: str | None = None
    chmod: int | None = None
    cache_dir: Path | None = None
    use_cache: bool = True
    offline: bool = False
    use_extracted: bool = False
    workers: int | None = None
    cache_from: Sequence[LayerRepository] = ()
    cache_to: Sequence[LayerRepository] = ()
    verify_cache: float = 0.0

    def __post_init__(self) -> None:
        convert_fields(self, _CONVERSIONS)
        if self.profile is not None:
            from conda_docker.profiles.table import PROFILES

            given = {name: getattr(self, name) for name in _CONVERSIONS}
            for name, value in PROFILES[self.profile].fields_over(given).items():
                object.__setattr__(self, name, _CONVERSIONS[name](name, value))
        if self.prefix is not None:
            if not self.prefix.startswith("/"):
                raise InvalidPath(f"the prefix in the image must be an absolute path, not {self.prefix[:200]!r}")
            if ":" in self.prefix or not self.prefix.isprintable():
                raise InvalidPath(
                    f"the prefix in the image is in PATH, where {self.prefix[:200]!r} cannot be: it has a colon or a "
                    "character that cannot be printed"
                )
            from python_docker.tar import contained_path

            object.__setattr__(self, "prefix", "/" + contained_path(self.prefix))
        for name, (needed, relation) in _NEEDED.items():
            if getattr(self, name) is not None and not getattr(self, needed):
                raise MissingOption(name, needed, relation)
        try:
            check_level(self.compression, self.compression_level)
        except ValueError as error:
            raise ValueError(f"compression_level: {error}") from None
        # Besides what is added and what link scripts change, the packages need one layer and the environment another.
        fewest = 2 + bool(self.add) + (self.link_scripts is LinkScripts.RUN)
        if not fewest <= self.max_layers <= limits.MAX_LAYERS:
            raise ValueError(f"max_layers must be from {fewest} to {limits.MAX_LAYERS}, not {self.max_layers}")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")


def _to_profile(name: str, value: object) -> str | None:
    """Return the name of a profile, or None."""
    text = to_text(name, value)
    if text is not None and text not in PROFILE_NAMES:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, PROFILE_NAMES))}, not {text[:80]!r}")
    return text


_CONVERSIONS: Mapping[str, Conversion] = {
    "profile": _to_profile,
    "prefix": to_text,
    "layering": partial(to_choice, kind=Layering),
    "max_layers": to_number,
    "compression": partial(to_choice, kind=Compression, among=WRITTEN),
    "compression_level": to_optional_number,
    "bytecode": partial(to_choice, kind=Bytecode),
    "activate": partial(to_choice, kind=Activate),
    "frozen": to_flag,
    "trim": to_flag,
    "exclude": to_patterns,
    "env": to_mapping,
    "labels": to_mapping,
    "annotations": to_mapping,
    "entrypoint": to_command,
    "cmd": to_command,
    "user": to_user,
    "user_name": to_user_name,
    "home": to_home,
    "sbom_in_image": to_bill_formats,
    "link_scripts": partial(to_choice, kind=LinkScripts),
    "link_scripts_network": to_flag,
    "workdir": to_folder,
    "expose": to_ports,
    "add": to_additions,
    "chown": to_user,
    "chmod": to_mode,
    "cache_dir": to_path,
    "use_cache": to_flag,
    "offline": to_flag,
    "use_extracted": to_flag,
    "workers": to_optional_number,
    "cache_from": to_repositories,
    "cache_to": to_repositories,
    "verify_cache": to_share,
}
