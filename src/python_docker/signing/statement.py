"""Statements: what is said of an image, by its digest (in-toto attestation framework, spec/v1/statement.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from python_docker.spec.digest import Digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MEDIA_TYPE = "application/vnd.in-toto+json"
"""The media type of statements, as BuildKit and registries' clients know it."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""The payload type of statements in a DSSE envelope; the same."""
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of a statement that says nothing but that whoever signs it stands behind the image (cosign 3)."""


def statement(digest: Digest, predicate_type: str, predicate: Mapping[str, Any], name: str = "image") -> bytes:
    """Return a statement about the image with this digest, as JSON, which is the same for the same content.

    The `name` means nothing to those who verify it, but Sigstore's library for Python wants one.

    >>> statement(Digest.of(b"{}"), SIGNATURE, {}).startswith(b'{"_type":"https://in-toto.io/Statement/v1"')
    True
    """
    subject = {"name": name, "digest": {digest.algorithm: digest.encoded}}
    value = {"_type": STATEMENT_TYPE, "subject": [subject], "predicateType": predicate_type, "predicate": predicate}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
