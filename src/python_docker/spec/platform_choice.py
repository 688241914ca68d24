"""Which image of an index is the one for a platform."""

from __future__ import annotations

from python_docker.errors import PlatformNotFound
from python_docker.spec.documents import Descriptor, Index
from python_docker.spec.platform import Platform


def select_platform(index: Index, platform: Platform | None) -> Descriptor:
    """The descriptor of an index that is for `platform` (this machine's processor, Linux, when it is None).

    Of several, the first (image-spec, image-index.md); the only one there is when no platform was asked for. Raises
    `PlatformNotFound`.
    """
    wanted = platform or Platform.host()
    candidates = [
        descriptor
        for descriptor in index.manifests
        if (found := descriptor.get_platform()) is None or found.os != "unknown"
    ]
    for suits in (wanted.matches, wanted.accepts):
        for descriptor in candidates:
            found = descriptor.get_platform()
            if found is not None and suits(found):
                return descriptor
    if len(candidates) == 1 and (platform is None or candidates[0].get_platform() is None):
        return candidates[0]
    there = ", ".join(str(found) for descriptor in candidates if (found := descriptor.get_platform())) or "none named"
    raise PlatformNotFound(f"there is no image for {wanted}; there are: {there[:400]}")
