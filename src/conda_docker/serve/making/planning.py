"""public_plan: what an image would be made of, for people who look before they pull."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.dry_run import Layer, planned_layer
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.image.plan import members_of
from conda_docker.image.preview import preview_image
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.resolution.resolve import resolve
from conda_docker.serve.making.maker import check_limits
from conda_docker.serve.names import channel_alias

if TYPE_CHECKING:
    from conda_docker.layers.member import Member
    from conda_docker.serve.configuration import Limits
    from conda_docker.serve.making.requests import Requests
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
class PublicPlan:
    """What the image of a name is made of, for one platform; `base` are the sizes of the base image's layers."""

    name: str
    tag: str
    platform: str
    packages: tuple[PlannedPackage, ...]
    layers: tuple[Layer, ...]
    base: tuple[int, ...]
    notes: tuple[str, ...]


def public_plan(requests: Requests, limits: Limits, asked: Asked, platform: Platform) -> PublicPlan:
    """Return the plan of an image, with nothing made and no package downloaded.

    Raises what making it would raise before that: `ServerError`s, `Unsolvable`, `ChannelError` and others.
    """
    request = replace(requests.asked(asked), platforms=(platform,))
    [resolved] = resolve(request, download=False)
    check_limits(resolved, limits)
    stores = LayerStores.of(request.options, facts_alone=True)
    preview = preview_image(resolved.environment, resolved.base, request.options, stores=stores)
    return PublicPlan(
        asked.name,
        asked.tag,
        str(platform),
        tuple(map(_package, sorted(members_of(resolved.environment), key=lambda member: member.name))),
        tuple(map(planned_layer, preview.layers)),
        () if resolved.base is None else tuple(layer.size for layer in reversed(resolved.base.layers)),
        preview.notes,
    )


def _package(member: Member) -> PlannedPackage:
    if isinstance(member, LockedWheel):
        return PlannedPackage(member.name, member.version, "", "pypi", "", member.size)
    channel, stated = channel_alias(member.channel or ""), str(member.record.get("license") or "")
    return PlannedPackage(member.name, member.version, member.build, channel, stated, member.size)
