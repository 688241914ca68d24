"""Signatures under cosign's older tag: written next to those that are there, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.copying.attached import payloads_image
from python_docker.copying.transfer import put_blobs
from python_docker.errors import NotFound
from python_docker.progress import SILENT
from python_docker.signing.simple_signing import sign_digest
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import SIGNATURES, digest_tag
from python_docker.spec.documents import Manifest
from python_docker.transports import Location, open_source
from python_docker.transports import destination as open_for_writing

if TYPE_CHECKING:
    from python_docker.registry.options import RegistryOptions
    from python_docker.signing.keys import SigningKey
    from python_docker.spec.descriptor import Descriptor
    from python_docker.transports.medium import Source


def open_tagged(location: Location, digest: Digest, registry: RegistryOptions | None = None) -> Source | None:
    """Return the signatures of an image under cosign's older tag, opened; None for a place that is not a registry."""
    place = _place(location, digest)
    return None if place is None else open_source(place, registry=registry)


def write_tagged(location: Location, digest: Digest, key: SigningKey, registry: RegistryOptions | None = None) -> None:
    """Sign an image in a registry under cosign's older tag, and keep the signatures that are there.

    Two writers at once may lose one of both, since registries cannot write on condition: the other form does not have
    this problem. Raises `RegistryError`.
    """
    place = _place(location, digest)
    reference = location.reference()
    if place is None or reference is None:
        return
    payload = sign_digest(digest, reference.name, key)
    known = _known(place, registry)
    if any(layer.to_json() == payload.descriptor.to_json() for layer in known):
        return
    manifest, config = payloads_image([*known, payload.descriptor])
    with open_for_writing(place, registry=registry) as target:
        put_blobs([payload, config], target, SILENT)
        target.put_manifest(manifest, root=True)


def _known(place: Location, registry: RegistryOptions | None) -> tuple[Descriptor, ...]:
    source = open_source(place, registry=registry)
    try:
        root = source.root()
        return root.layers if isinstance(root, Manifest) else ()
    except NotFound:
        return ()
    finally:
        source.close()


def _place(location: Location, digest: Digest) -> Location | None:
    reference = location.reference()
    if location.transport != "docker" or reference is None:
        return None
    return Location("docker", "", f"{reference.name}:{digest_tag(digest, SIGNATURES)}")
