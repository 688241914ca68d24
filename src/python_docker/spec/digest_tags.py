"""Digest tags: the names of what belongs to an image, made of the image's digest.

Where a registry knows no referrers, a tag lists them; and cosign 1 and 2 keep all that they attach under such tags.
Sources: distribution-spec, "Referrers Tag Schema"; cosign, specs/SIGNATURE_SPEC.md, "Discovery", specs/SBOM_SPEC.md and
specs/ATTESTATION_SPEC.md.
"""

from __future__ import annotations

import re

from python_docker.spec.digest import Digest
from python_docker.spec.strict_json import parse_json

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
"""The media type of what is signed."""
PAYLOAD_KIND = "cosign container image signature"
SIGNATURES, ATTESTATIONS, BILL = "sig", "att", "sbom"
SUFFIXES = (SIGNATURES, ATTESTATIONS, BILL)
_GRAMMAR = rf"sha256-[a-f0-9]{{64}}(?:\.(?:{'|'.join(SUFFIXES)}))?"


def referrers_tag(digest: Digest) -> str:
    """Return the tag that lists what refers to a manifest.

    >>> referrers_tag(Digest.of(b"{}"))
    'sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return "-".join(re.sub(r"[^A-Za-z0-9._-]", "-", part) for part in (digest.algorithm[:32], digest.encoded[:64]))


def digest_tag(digest: Digest, suffix: str) -> str:
    """Return the tag for what `suffix` says of the image with a digest.

    >>> digest_tag(Digest.of(b"{}"), SIGNATURES)
    'sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a.sig'
    """
    return f"{digest.algorithm}-{digest.encoded}.{suffix}"


def is_digest_tag(name: str | None) -> bool:
    """Return whether a tag stands for what belongs to an image, rather than for an image.

    >>> is_digest_tag(digest_tag(Digest.of(b"{}"), BILL)), is_digest_tag("latest")
    (True, False)
    """
    return name is not None and re.fullmatch(_GRAMMAR, name) is not None


def signed_digest(payload: bytes) -> Digest:
    """Return the digest of the image that a payload is about. Raises `ValueError` for what is not such a payload.

    >>> signed_digest(b'{"critical": {}}')
    Traceback (most recent call last):
    ValueError: it is not cosign's payload for an image
    """
    try:
        critical = parse_json(payload, "the payload")["critical"]
        if critical["type"] != PAYLOAD_KIND:
            raise ValueError("another kind")
        return Digest(critical["image"]["docker-manifest-digest"])
    except (ValueError, KeyError, TypeError):
        raise ValueError("it is not cosign's payload for an image") from None
