"""What belongs to images without being part of them: attached documents, and what cosign keeps under digest tags.

Sources: distribution-spec, "Listing Referrers"; cosign, specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from python_docker.copying.choose import MAX_DEPTH
from python_docker.copying.transfer import put_blobs
from python_docker.errors import ContentMismatch, InvalidDocument, NotFound, RegistryError, UnsupportedFormat
from python_docker.image.blob import Blob
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Progress
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import ATTESTATIONS, SIGNATURES, SUFFIXES, digest_tag
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_CONFIG, OCI_MANIFEST
from python_docker.transports.medium import FindsTags, ListsReferrers, LooksAhead, TakesReferrers, TakesTags

if TYPE_CHECKING:
    from python_docker.transports.medium import Destination, Source

_log = logging.getLogger("python_docker")
_QUESTIONS = 10
"""How many tags are asked for at once: most of them are not there."""


def copy_referrers(
    source: Source,
    destination: Destination,
    written: Mapping[Digest, Manifest | Index],
    *,
    wanted: bool | None = None,
    progress: Progress = SILENT,
) -> list[Manifest]:
    """Copy what is attached to manifests, and what is attached to that, and return the manifests of these artifacts.

    What cosign keeps under digest tags goes along, and joins what the destination has under the same tag. `written` are
    the manifests as they were written, by the digests that they had: what was changed on the way has another digest,
    and nothing is attached to it. `wanted` None passes over what cannot go, or cannot be listed.

    Raises `UnsupportedFormat` where it is `wanted` and cannot go, `InvalidDocument` for an artifact that is not
    attached to what it is listed for.
    """
    if not isinstance(source, ListsReferrers) or not isinstance(destination, TakesReferrers):
        if wanted:
            where = "SRC" if not isinstance(source, ListsReferrers) else "DST"
            raise UnsupportedFormat(f"{where} holds nothing but images: what is attached to them cannot be copied")
        return []
    changed = next((old for old, new in written.items() if old != new.digest), None)
    if wanted and changed is not None:
        raise UnsupportedFormat(
            f"the image {changed} is changed on the way, so what is attached to it would not belong to the copy"
        )
    if wanted is False:
        return []
    kept = [digest for digest, new in written.items() if digest == new.digest]
    look_ahead(source, kept)
    tagged = _copy_tagged(source, destination, kept, required=bool(wanted), progress=progress)
    return [*_copy_attached(source, destination, kept, required=bool(wanted), progress=progress), *tagged]


def look_ahead(source: Source, digests: Iterable[Digest]) -> None:
    """Have a source begin to look for what is attached to manifests, where that takes it some time."""
    if isinstance(source, LooksAhead):
        for digest in digests:
            source.look_ahead(digest)


def _copy_attached(
    source: Source, destination: Destination, kept: Iterable[Digest], *, required: bool, progress: Progress
) -> list[Manifest]:
    assert isinstance(destination, TakesReferrers)
    copied: dict[Digest, Manifest] = {}
    subjects = [(digest, 1) for digest in kept]
    for subject, depth in subjects:
        for entry in _listed(source, subject, required=required):
            if entry.digest in copied or depth > MAX_DEPTH:
                continue
            manifest = _read_attached(source, entry, subject, required=required)
            if manifest is None:
                continue
            put_blobs(_blobs(source, manifest), destination, progress)
            destination.put_referrer(manifest)
            copied[manifest.digest] = manifest
            subjects.append((manifest.digest, depth + 1))  # a signature of a bill of materials, say
    return list(copied.values())


def _copy_tagged(
    source: Source, destination: Destination, kept: Sequence[Digest], *, required: bool, progress: Progress
) -> list[Manifest]:
    if not isinstance(destination, TakesTags):
        return []
    copied: dict[str, Manifest] = {}
    subjects = list(kept)
    for _ in range(MAX_DEPTH):
        found = [one for one in _find_tagged(source, subjects, required=required) if one[0] not in copied]
        for tag, manifest in found:
            there = destination.tagged(tag)
            joined, config = joined_payloads(tag, there, manifest)
            put_blobs([*_blobs(source, manifest), *([config] if config else [])], destination, progress)
            if there is None or joined.digest != there.digest:
                destination.put_tagged(joined, tag)
            copied[tag] = joined
        subjects = [manifest.digest for _, manifest in found]  # cosign signs its bills of materials, too
        if not subjects:
            break
    return list(copied.values())


def find_tagged(source: Source, digests: Iterable[Digest]) -> list[tuple[Digest, str, Manifest]]:
    """Return what digest tags name for manifests: the digest of each, the tag, and the manifest that it names.

    Empty for media that hold one image. Raises what asking the source raises.
    """
    if not isinstance(source, FindsTags):
        return []
    asked = [(digest, digest_tag(digest, suffix)) for digest in dict.fromkeys(digests) for suffix in SUFFIXES]
    answers = in_parallel([partial(source.tagged, tag) for _, tag in asked], _QUESTIONS)
    return [
        (digest, tag, found) for (digest, tag), found in zip(asked, answers, strict=True) if isinstance(found, Manifest)
    ]


def joined_payloads(tag: str, known: Manifest | Index | None, added: Manifest) -> tuple[Manifest, Blob | None]:
    """Return the manifest that belongs under a digest tag where `known` is, and its config where that is a new one.

    Signatures and attestations of both are kept; any other content is replaced.
    """
    joins = tag.endswith((f".{SIGNATURES}", f".{ATTESTATIONS}"))
    if not joins or not isinstance(known, Manifest) or known.digest == added.digest:
        return added, None
    own, theirs = ([layer.to_json() for layer in one.layers] for one in (known, added))
    if all(layer in own for layer in theirs):
        return known, None
    if all(layer in theirs for layer in own):
        return added, None
    return payloads_image([*known.layers, *(layer for layer in added.layers if layer.to_json() not in own)])


def payloads_image(payloads: Sequence[Descriptor]) -> tuple[Manifest, Blob]:
    """Return the image that holds signed payloads under a digest tag, and its config.

    It names no time, so that it is the same for the same payloads.
    """
    config = {
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",
        "history": [{"created": "0001-01-01T00:00:00Z"} for _ in payloads],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [payload.digest for payload in payloads]},
    }
    blob = Blob.from_bytes(json.dumps(config, separators=(",", ":")).encode(), OCI_CONFIG)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob.descriptor.to_json(),
        "layers": [payload.to_json() for payload in payloads],
    }
    return Manifest.build(value), blob


def attached_manifest(source: Source, entry: Descriptor, subject: Digest) -> Manifest:
    """Return the manifest of an artifact that is listed as attached to `subject`.

    Raises `InvalidDocument` when it does not say so itself.
    """
    manifest = source.child(entry)
    if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != subject:
        raise InvalidDocument(f"{entry.digest} is listed as attached to {subject}, but does not say so itself")
    return manifest


def _read_attached(source: Source, entry: Descriptor, subject: Digest, *, required: bool) -> Manifest | None:
    """Return what is listed as attached; None, with a warning, where it is gone or wrong and is not required.

    Anybody who may push to a repository can list anything there, and registries remove manifests that lists name.
    """
    try:
        return attached_manifest(source, entry, subject)
    except (NotFound, InvalidDocument, ContentMismatch) as error:
        if required:
            raise
        _log.warning("%s, which is listed as attached to %s, is not copied: %s", entry.digest, subject, error)
        return None


def _listed(source: Source, subject: Digest, *, required: bool) -> Sequence[Descriptor]:
    """Return what is attached to a manifest; nothing, with a warning, where it cannot be listed and is not required."""
    assert isinstance(source, ListsReferrers)
    try:
        return source.referrers(subject)
    except (RegistryError, InvalidDocument) as error:
        if required:
            raise
        _log.warning("what is attached to %s is not copied, since it cannot be listed: %s", subject, error)
        return ()


def _find_tagged(source: Source, subjects: Iterable[Digest], *, required: bool) -> list[tuple[str, Manifest]]:
    try:
        return [(tag, manifest) for _, tag, manifest in find_tagged(source, subjects)]
    except (RegistryError, InvalidDocument, UnsupportedFormat) as error:
        if required:
            raise
        _log.warning("signatures under cosign's older tags are not copied, since they cannot be read: %s", error)
        return []


def _blobs(source: Source, manifest: Manifest) -> list[Blob]:
    return [source.blob(descriptor) for descriptor in (*manifest.layers, manifest.config)]
