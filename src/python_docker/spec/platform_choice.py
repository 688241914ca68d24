"""Which image of an index is the one for a platform."""

from __future__ import annotations

from python_docker.errors import PlatformNotFound
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import INDEXES, MANIFESTS
from python_docker.spec.platform import Platform

_ATTESTATION = "vnd.docker.reference.type"


def select_platform(index: Index, platform: Platform | None) -> Descriptor:
    """Return the descriptor of an index that is for `platform` (this machine's processor, Linux, when it is None).

    Of several, the first (image-spec, image-index.md); the only one there is when no platform was asked for. Raises
    `PlatformNotFound`.
    """
    wanted = platform or Platform.host()
    candidates = images_in(index)
    for suits in (wanted.matches, wanted.accepts):
        for descriptor in candidates:
            found = descriptor.get_platform()
            if found is not None and suits(found):
                return descriptor
    if len(candidates) == 1 and (platform is None or candidates[0].get_platform() is None):
        return candidates[0]
    there = ", ".join(str(found) for descriptor in candidates if (found := descriptor.get_platform()))
    raise PlatformNotFound(
        f"there is no image for {wanted}; "
        + (f"there are: {there[:400]}" if there else "the index names no image for any platform")
    )


def images_in(index: Index) -> list[Descriptor]:
    """Return the descriptors of an index that are images or indexes of them, without attestations and the like."""
    return [descriptor for descriptor in index.manifests if _may_be_an_image(descriptor)]


def _may_be_an_image(descriptor: Descriptor) -> bool:
    """Return whether an entry is an image, or an index of them, and not something about one, such as an attestation."""
    if descriptor.media_type not in MANIFESTS | INDEXES or descriptor.artifact_type:
        return False
    platform = descriptor.get_platform()
    # BuildKit's attestations (docs/attestations/attestation-storage.md).
    is_attestation = _ATTESTATION in (descriptor.annotations or {})
    return not is_attestation and (platform is None or "unknown" not in (platform.os, platform.architecture))
