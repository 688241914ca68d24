"""Report: what there is to see of an image; `docs/json.md` documents it. Sizes are in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conda_docker.comparison.compare import Comparison

PartKind = Literal["conda", "pypi", "folder", "file", "rest"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a layer: a package, a folder, a file, or the `rest` of what it is in.

    `size` is that of its `files` as they are unpacked. `parts` are its largest, down to the depth that was asked for.
    """

    kind: PartKind
    name: str
    size: int
    files: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerItem:
    """A layer. `number` counts from the bottom, `size` is as stored; `unpacked` is None where it was not read.

    `kind` is `base`, `packages`, `link scripts`, `environment` or `other`, and `title` what people may call it.
    """

    number: int
    title: str
    kind: str
    digest: str
    diff_id: str
    media_type: str
    size: int
    unpacked: int | None
    files: int | None
    created_by: str | None
    packages: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PackageIdentity:
    """What a package in an image is, and the prefix that it is in. A wheel has no build."""

    kind: Literal["conda", "pypi"]
    name: str
    version: str
    build: str | None
    channel: str | None
    license: str | None
    prefix: str


@dataclass(frozen=True, slots=True)
class PackageItem(PackageIdentity):
    """A package. `layer` is the number of the layer that has it, `size` that of its files as they are unpacked.

    `requested` packages are those that the user asked for.
    """

    requested: bool
    layer: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What containers run with, as the image's config says."""

    user: str
    workdir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    stop_signal: str
    healthcheck: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunCommand:
    """How the image is run by a `program`: lines of a shell, or a file for it."""

    program: str
    text: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A conda environment in the image, with what the user asked for."""

    prefix: str
    subdir: str
    requested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to see of an image. `unpacked` and `files` are None unless layers were read.

    `comparison` is with what the image was held against, which comes first in it. `packages` is None where nothing
    says which packages are in the image.
    """

    location: str
    name: str
    digest: str
    id: str
    media_type: str
    platform: str
    created: str | None
    base: str | None
    size: int
    unpacked: int | None
    files: int | None
    layers: tuple[LayerItem, ...]
    packages: tuple[PackageItem, ...] | None
    environments: tuple[Environment, ...]
    runtime: Runtime
    annotations: Mapping[str, str]
    run: tuple[RunCommand, ...]
    comparison: Comparison | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        from dataclasses import asdict

        return asdict(self)
