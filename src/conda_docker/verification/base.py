"""base_verdicts: whether the lowest layers of an image are those of the base image that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from conda_docker.image.config import base_of
from conda_docker.verification.compare import compare
from conda_docker.verification.report import LayerVerdict, Outcome, verdict_on
from python_docker.errors import Error
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from conda_docker.verification.steps import Step
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.registry.options import RegistryOptions
    from python_docker.transports.location import Location

BaseRegistry = Callable[["Location"], "RegistryOptions | None"]
"""Returns how to talk to the registry of a location."""


def base_verdicts(
    image: Image, steps: Sequence[Step], registry: BaseRegistry | None, *, read: bool
) -> dict[int, LayerVerdict]:
    """Return the verdicts on the base's layers, by their positions; empty where the image names no base.

    The base image is read from its registry by the digest that the labels give. That it is the one that the image
    was built on is then certain, but for a registry that can forge SHA-256; what is in it is its maker's affair.
    """
    below = [step for step in steps if step.kind == "base"]
    name, digest = base_of(image)
    if not below or not digest:
        return {}
    if not name:
        return _unverified(below, f"the base image {digest} has no name in a registry that it could be read from")
    try:
        reference = ImageReference.parse(name)
        expected = _layers(f"{reference.name}@{digest}", image, registry)
    except Error as error:
        return _unverified(below, f"the base image {name}@{digest} cannot be read: {error}")
    shown = f"{reference.familiar}@{digest}"
    verdicts = {}
    for step in below:
        if step.position >= len(expected):
            verdict = verdict_on(step, Outcome.DIFFERENT, f"the base image {shown} has only {len(expected)} layers")
        else:
            outcome, reason, found = compare(step.layer, expected[step.position], read=read)
            verdict = verdict_on(step, outcome, reason and f"the base image {shown} has another: {reason}", found)
        verdicts[step.position] = verdict
    return verdicts


def _unverified(steps: Sequence[Step], reason: str) -> dict[int, LayerVerdict]:
    return {step.position: verdict_on(step, Outcome.UNVERIFIED, reason) for step in steps}


def _layers(name: str, image: Image, registry: BaseRegistry | None) -> list[Layer]:
    """Return the layers of the base image for the platform of `image`, bottom first."""
    from python_docker.copying.choose import image_of
    from python_docker.transports import Location, open_source

    location = Location("docker", "", name)
    source = open_source(location, registry=None if registry is None else registry(location))
    try:
        return list(reversed(image_of(source, image.platform).layers))
    finally:
        source.close()
