"""Referrers: the manifests that name another as their `subject` (distribution-spec, "Listing Referrers")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from python_docker.errors import NotFoundInRegistry
from python_docker.http.headers import content_type
from python_docker.http.response import Response
from python_docker.registry.auth.scope import repository_scope
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Index, Manifest, parse_manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import OCI_INDEX, ImageFormat

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient


def referrers(client: RegistryClient, path: str, digest: Digest) -> Index:
    """Return what refers to a manifest, as an index, which may be empty; from the referrers tag on older registries."""
    try:
        response = client.session.request(
            "GET",
            f"/v2/{path}/referrers/{digest}",
            action=f"list what refers to {path}@{digest}",
            scopes=[repository_scope(path, "pull")],
        )
    except NotFoundInRegistry:
        return _tagged_referrers(client, path, digest)
    kind = content_type(response.headers)
    if kind != OCI_INDEX:
        # Not the specification's answer, whatever it is.
        return _tagged_referrers(client, path, digest)
    index = parse_manifest(response.content(MAX_DOCUMENT_SIZE), kind, f"the list of what refers to {digest}")
    assert isinstance(index, Index)
    return index


def keep_referrer(client: RegistryClient, path: str, document: Manifest | Index, answer: Response) -> None:
    """List a manifest with a subject, stored with `answer`, under the subject's tag, unless the registry lists it.

    Needed where the registry does not know referrers (distribution-spec, "Pushing Manifests with Subject").
    """
    subject = document.subject
    if subject is None or answer.headers.get("oci-subject"):
        return
    index = _tagged_referrers(client, path, subject.digest)
    if any(entry.digest == document.digest for entry in index.manifests):
        return
    entry = document.descriptor
    fields: dict[str, object] = {}
    if isinstance(document, Manifest):
        fields["artifact_type"] = document.artifact_type or document.config.media_type
    if document.annotations:
        fields["annotations"] = document.annotations
    updated = Index.new(ImageFormat.OCI, [*index.manifests, entry.replace(**fields)], index.annotations)
    client.put_manifest(path, referrers_tag(subject.digest), updated)


def _tagged_referrers(client: RegistryClient, path: str, digest: Digest) -> Index:
    try:
        found = client.manifest(path, referrers_tag(digest))
    except NotFoundInRegistry:
        return Index.new(ImageFormat.OCI, ())
    return found if isinstance(found, Index) else Index.new(ImageFormat.OCI, ())


def referrers_tag(digest: Digest) -> str:
    """Return the tag that lists what refers to a manifest (distribution-spec, "Referrers Tag Schema").

    >>> referrers_tag(Digest.of(b"{}"))
    'sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return "-".join(re.sub(r"[^A-Za-z0-9._-]", "-", part) for part in (digest.algorithm[:32], digest.encoded[:64]))
