"""base_verdicts: whether the lowest layers of an image are those of the base image that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.provenance.base import base_of
from conda_docker.verification.compare import compare
from conda_docker.verification.report import LayerVerdict, Outcome, verdict_on
from python_docker.errors import Error
from python_docker.spec.reference import ImageReference
from python_docker.transports.location import Location

if TYPE_CHECKING:
    from conda_docker.verification.steps import Step
    from python_docker.image import Image
    from python_docker.registry.access.options import RegistryOptions

BaseRegistry = Callable[[Location], "RegistryOptions | None"]
"""Returns how to talk to the registry of a location."""


def base_verdicts(
    image: Image,
    steps: Sequence[Step],
    registry: BaseRegistry | None,
    *,
    place: Location | None = None,
    offline: bool = False,
    read: bool,
) -> dict[int, LayerVerdict]:
    """Return the verdicts on the base's layers, by their positions; empty where the image names no base.

    The base image is read from its registry by the digest that the labels give, or from `place`, where it must have
    that digest. That it is the one that the image was built on is then certain; what is in it is its maker's affair.
    """
    below = [step for step in steps if step.kind == "base"]
    if not below or not base_of(image)[1]:
        return {}
    try:
        base = read_base(image, registry, place=place, offline=offline)
    except Error as error:
        return {step.position: verdict_on(step, Outcome.UNVERIFIED, str(error)) for step in below}
    expected = list(reversed(base.layers))
    verdicts = {}
    for step in below:
        if step.position >= len(expected):
            verdict = verdict_on(step, Outcome.DIFFERENT, f"the base image has only {len(expected)} layers")
        else:
            outcome, reason, found = compare(step.layer, expected[step.position], read=read)
            verdict = verdict_on(step, outcome, reason and f"the base image has another: {reason}", found)
        verdicts[step.position] = verdict
    return verdicts


def read_base(
    image: Image, registry: BaseRegistry | None, *, place: Location | None = None, offline: bool = False
) -> Image:
    """Return the base image that the labels of an image name, from its registry or from `place`.

    Raises `Error` where they name none, where it cannot be read, and where the one at `place` is another.
    """
    name, digest = base_of(image)
    if not digest:
        raise Error("the image does not say which image it is built on")
    if place is None and not name:
        raise Error(f"the base image {digest} has no name in a registry; say with --base where it is")
    try:
        if place is None:
            place = Location("docker", "", f"{ImageReference.parse(name or '').name}@{digest}")
        if offline and place.transport == "docker":
            raise Error(f"the base image is at {place}, and --offline forbids reading it there")
        base = _open(place, image, registry)
    except Error as error:
        raise Error(f"the base image {name or ''}@{digest} cannot be read: {error}") from None
    if base.digest != digest:
        raise Error(f"the base image has the digest {digest}, and the one at {place} has {base.digest}")
    return base


def base_variables(
    image: Image, steps: Sequence[Step], registry: BaseRegistry | None, place: Location | None, offline: bool
) -> Mapping[str, str]:
    """Return the environment variables of the base image; none for an image from scratch."""
    if not any(step.kind == "base" for step in steps) and not base_of(image)[1]:
        return {}
    return read_base(image, registry, place=place, offline=offline).config.environment


def _open(place: Location, image: Image, registry: BaseRegistry | None) -> Image:
    """Return the image at a place that is for the platform of `image`."""
    from python_docker.copying.choose import image_of
    from python_docker.transports import open_source

    source = open_source(place, registry=None if registry is None else registry(place))
    try:
        return image_of(source, image.platform)
    finally:
        source.close()
