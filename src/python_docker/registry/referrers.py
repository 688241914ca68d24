"""Referrers: the manifests that name another as their `subject` (distribution-spec, "Listing Referrers")."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from python_docker.errors import InvalidDocument, NotFoundInRegistry, RegistryError
from python_docker.http.headers import content_type
from python_docker.http.response import Response
from python_docker.registry.auth.scope import repository_scope
from python_docker.registry.lists import paged_answers
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import referrers_tag
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest, referrer_descriptor
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import OCI_INDEX, ImageFormat

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient

_SETTLING = 0.2
"""How long, in seconds, another writer may at least need between reading a list and writing it."""
_ATTEMPTS = 20
_MAX_LIST = 32 << 20  # bytes of all pages


def referrers(client: RegistryClient, path: str, digest: Digest) -> Index:
    """Return what refers to a manifest, as an index, which may be empty; from the referrers tag on older registries.

    Raises `RegistryError` and `InvalidDocument`, for a list that is too long or goes on elsewhere, too.
    """
    action = f"list what refers to {path}@{digest}"
    scope = repository_scope(path, "pull")
    found: list[Index] = []
    size = 0
    try:
        for answer in paged_answers(client.session, f"/v2/{path}/referrers/{digest}", action, scope, MAX_DOCUMENT_SIZE):
            kind = content_type(answer.headers)
            if kind != OCI_INDEX and not found:
                # Not the specification's answer, whatever it is.
                return _tagged_referrers(client, path, digest)
            raw = answer.content(MAX_DOCUMENT_SIZE)
            page = parse_manifest(raw, kind, f"the list of what refers to {digest}")
            if not isinstance(page, Index):
                raise InvalidDocument(f"{client.address.host}: cannot {action}: its list continues with a manifest")
            found.append(page)
            size += len(raw)
            if size > _MAX_LIST:
                raise RegistryError(f"{client.address.host}: cannot {action}: it has more than {_MAX_LIST >> 20} MiB")
    except NotFoundInRegistry:
        if found:
            raise
        return _tagged_referrers(client, path, digest)
    if len(found) == 1:
        return found[0]
    entries = {entry.digest: entry for page in found for entry in page.manifests}
    return Index.new(ImageFormat.OCI, list(entries.values()), found[0].annotations)


def keep_referrer(client: RegistryClient, path: str, document: Manifest | Index, answer: Response) -> None:
    """List a manifest with a subject, stored with `answer`, under the subject's tag, unless the registry lists it.

    Needed where the registry does not know referrers (distribution-spec, "Pushing Manifests with Subject").

    Registries cannot write on condition that a tag has not moved, so that two writers at once may each put a list
    without the other's entry. Hence the list is read again after any other writer that began before us must have
    written its own, and written again until it holds: whoever is overwritten notices. Raises `RegistryError` when it
    does not hold after many attempts.
    """
    subject = document.subject
    if subject is None or answer.headers.get("oci-subject"):
        return
    entry = referrer_descriptor(document)
    for _ in range(_ATTEMPTS):
        started = time.monotonic()
        index = _tagged_referrers(client, path, subject.digest)
        if any(listed.digest == entry.digest for listed in index.manifests):
            return
        updated = Index.new(ImageFormat.OCI, [*index.manifests, entry], index.annotations)
        client.put_manifest(path, referrers_tag(subject.digest), updated)
        # Another writer needs about as long as we did; random, so that two do not go on in step.
        time.sleep(max(_SETTLING, 3 * (time.monotonic() - started)) * random.uniform(1, 2))  # noqa: S311
    raise RegistryError(
        f"{client.address.host}: {document.digest} could not be listed under {path}:{referrers_tag(subject.digest)}: "
        f"others overwrote the list {_ATTEMPTS} times; try again when nobody else attaches anything to this image"
    )


def _tagged_referrers(client: RegistryClient, path: str, digest: Digest) -> Index:
    try:
        found = client.manifest(path, referrers_tag(digest))
    except NotFoundInRegistry:
        return Index.new(ImageFormat.OCI, ())
    return found if isinstance(found, Index) else Index.new(ImageFormat.OCI, ())
