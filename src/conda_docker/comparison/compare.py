"""compare: the packages and layers in which two sides differ; `docs/json.md` documents the values as a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Package:
    """A package. One of pip's has no build; the channel is a public URL, or `pypi`; `sha256` is known of wheels."""

    kind: Literal["conda", "pypi"]
    name: str
    version: str
    build: str | None = None
    channel: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it is stored, its size in bytes, and the names of its packages where the image says so."""

    digest: str
    size: int
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Documents:
    """What a client downloads of an image besides layers: sizes in bytes by digest."""

    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two things to compare. `packages` is None where they are not known, `layers` where it is not an image."""

    name: str
    kind: Literal["image", "file", "prefix"]
    platform: str
    packages: tuple[Package, ...] | None
    layers: tuple[Layer, ...] | None = None
    documents: Documents | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A package that both sides have, and that is not the same."""

    before: Package
    after: Package


@dataclass(frozen=True, slots=True)
class LayerChanges:
    """The layers of the second image by whether the first has them, too, and what is only in the first.

    `download` is what a machine that has the first image downloads for the second, in bytes: layers, config, manifest.
    """

    shared: tuple[Layer, ...]
    new: tuple[Layer, ...]
    gone: tuple[Layer, ...]
    download: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs on a platform.

    Packages are None where one side does not name its own, `layers` unless both are images.
    """

    before: str
    after: str
    before_platform: str
    after_platform: str
    added: tuple[Package, ...] | None
    removed: tuple[Package, ...] | None
    changed: tuple[Change, ...] | None
    same: int | None
    layers: LayerChanges | None

    @property
    def differs(self) -> bool:
        """Whether anything is not the same."""
        layers = self.layers is not None and bool(self.layers.new or self.layers.gone)
        return bool(self.added or self.removed or self.changed or layers)


def compare(before: Side, after: Side) -> Comparison:
    """Return what differs between two sides.

    Packages are the same by version, build and channel, and of one platform by contents, too, where both name them.

    >>> one = Side("a", "file", "linux/amd64", (Package("conda", "x", "1"),))
    >>> two = Side("b", "file", "linux/amd64", (Package("conda", "x", "2"), Package("pypi", "y", "1")))
    >>> found = compare(one, two)
    >>> [each.name for each in found.added or ()], [each.after.version for each in found.changed or ()]
    (['y'], ['2'])
    """
    layers = _layers(before, after)
    names = (before.name, after.name, before.platform, after.platform)
    if before.packages is None or after.packages is None:
        return Comparison(*names, None, None, None, None, layers)
    old = {(each.kind, each.name): each for each in before.packages}
    new = {(each.kind, each.name): each for each in after.packages}
    common = sorted(old.keys() & new.keys(), key=lambda key: (key[1], key[0]))
    one_platform = before.platform == after.platform
    changed = [Change(old[key], new[key]) for key in common if not _same(old[key], new[key], contents=one_platform)]
    return Comparison(
        *names,
        tuple(new[key] for key in sorted(new.keys() - old.keys(), key=lambda key: (key[1], key[0]))),
        tuple(old[key] for key in sorted(old.keys() - new.keys(), key=lambda key: (key[1], key[0]))),
        tuple(changed),
        len(common) - len(changed),
        layers,
    )


def _same(before: Package, after: Package, *, contents: bool) -> bool:
    def agree(one: str | None, other: str | None) -> bool:
        return one is None or other is None or one.rstrip("/") == other.rstrip("/")

    return (
        before.version == after.version
        and agree(before.build, after.build)
        and agree(before.channel, after.channel)
        and (not contents or agree(before.sha256, after.sha256))
    )


def _layers(before: Side, after: Side) -> LayerChanges | None:
    if before.layers is None or after.layers is None:
        return None
    old = {layer.digest for layer in before.layers}
    there = {layer.digest for layer in after.layers}
    # A layer may be in an image twice, and is downloaded once.
    new = {layer.digest: layer for layer in after.layers if layer.digest not in old}
    known = before.documents.sizes if before.documents is not None else {}
    documents = after.documents.sizes if after.documents is not None else {}
    return LayerChanges(
        tuple(layer for layer in after.layers if layer.digest in old),
        tuple(new.values()),
        tuple(layer for layer in before.layers if layer.digest not in there),
        sum(layer.size for layer in new.values())
        + sum(size for digest, size in documents.items() if digest not in known),
    )
