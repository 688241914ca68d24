"""plan: what an image would be made of, for people who look before they pull."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.environment.wheels import LockedWheel
from conda_docker.image.preview import LayerKind, preview_image
from conda_docker.layers.stores.layer_stores import LayerStores

if TYPE_CHECKING:
    from conda_docker.layers.member import Member
    from conda_docker.serve.making.maker import Maker
    from conda_docker.serve.names import Asked
    from python_docker.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class PlannedPackage:
    """A package: where it is from, its license as it states it, and the size of its archive in bytes."""

    name: str
    version: str
    build: str
    channel: str
    license: str
    size: int | None


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """A layer with the names of its packages. `size` is what a pull takes, in bytes, where the layer is `known`."""

    packages: tuple[str, ...]
    known: bool
    size: int | None
    made_from: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """What the image of a name is made of, for one platform; `base` are the sizes of the base image's layers."""

    name: str
    tag: str
    platform: str
    packages: tuple[PlannedPackage, ...]
    layers: tuple[PlannedLayer, ...]
    base: tuple[int, ...]
    notes: tuple[str, ...]


def plan_image(maker: Maker, asked: Asked, platform: Platform) -> ImagePlan:
    """Return the plan of an image, with nothing made and no package downloaded.

    Raises what making it would raise before that: `ServerError`s, `Unsolvable`, `ChannelError` and others.
    """
    from conda_docker.resolution.resolve import resolve

    request = replace(maker.request(asked), platforms=(platform,))
    [resolved] = resolve(request, download=False)
    maker.check_limits(resolved)
    stores = LayerStores.of(request.options, facts_alone=True)
    preview = preview_image(resolved.environment, resolved.base, request.options, stores=stores)
    environment = resolved.environment
    members: list[Member] = [*environment.packages, *environment.wheels]
    return ImagePlan(
        asked.name,
        asked.tag,
        str(platform),
        tuple(_package(member) for member in sorted(members, key=lambda member: member.name)),
        tuple(
            PlannedLayer(
                tuple(member.name for member in layer.members),
                layer.known is not None,
                None if layer.known is None else layer.known.size,
                sum(member.size or 0 for member in layer.members) if layer.kind is LayerKind.PACKAGES else None,
                layer.kind.value,
            )
            for layer in preview.layers
        ),
        () if resolved.base is None else tuple(layer.size for layer in reversed(resolved.base.layers)),
        preview.notes,
    )


def _package(member: Member) -> PlannedPackage:
    if isinstance(member, LockedWheel):
        return PlannedPackage(member.name, member.version, "", "pypi", "", member.size)
    return PlannedPackage(
        member.name,
        member.version,
        member.build,
        (member.channel or "").rstrip("/").rpartition("/")[2],
        str(member.record.get("license") or ""),
        member.size,
    )
