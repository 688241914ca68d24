"""Signatures under cosign's older tag, written next to those that are there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from python_docker.copying.attached import joined_payloads, payloads_image
from python_docker.copying.transfer import put_blobs
from python_docker.errors import UnsupportedFormat
from python_docker.progress import SILENT
from python_docker.signing.simple_signing import PayloadSigner, sign_digest
from python_docker.spec.digest_tags import SIGNATURES, digest_tag
from python_docker.transports.medium import TakesTags

if TYPE_CHECKING:
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.transports.medium import Destination


def put_tagged_signatures(
    digests: Iterable[Digest], repository: str, sign: PayloadSigner, destination: Destination
) -> dict[str, Manifest]:
    """Sign images under cosign's older tags, keep the signatures that are there, and return what the tags name now.

    `repository` is what the signatures say that the images are called; `destination` is for the caller to commit. Two
    writers at once may lose one of both, since registries cannot write on condition: referrers do not have this
    problem. Raises `UnsupportedFormat` for a place without tags.
    """
    if not isinstance(destination, TakesTags):
        raise UnsupportedFormat("signatures cannot be kept under tags there; use a registry or an OCI layout")
    written: dict[str, Manifest] = {}
    for digest in digests:
        tag = digest_tag(digest, SIGNATURES)
        payload = sign_digest(digest, repository, sign)
        signed, config = payloads_image([payload.descriptor])
        joined, joined_config = joined_payloads(tag, destination.tagged(tag), signed)
        put_blobs([payload, joined_config or config], destination, SILENT)
        destination.put_tagged(joined, tag)
        written[tag] = joined
    return written
