"""Bills of materials attached to images: as referrers in registries, OCI layouts and OCI archives."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conda_docker.sbom.document import BillFormat, bill_of_materials
from python_docker.copying.referrer import Referrer, list_referrers, read_document
from python_docker.errors import ContentMismatch, InvalidDocument, InvalidSignature, NotFound, NotSigned
from python_docker.signing.bundle import MAX_BUNDLE
from python_docker.signing.verify import verify_signatures
from python_docker.spec.strict_json import parse_json

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.signing.expected import Expected
    from python_docker.transports.medium import Source

_log = logging.getLogger("conda_docker")


def bill_referrer(bill: bytes, bill_format: BillFormat, created: str | None) -> Referrer:
    """Return a bill as a document to attach; `created` is the image's own time, in the form of RFC 3339."""
    annotations = {
        "org.opencontainers.image.title": f"sbom.{'cdx' if bill_format is BillFormat.CYCLONEDX else 'spdx'}.json"
    }
    if created:
        annotations["org.opencontainers.image.created"] = created
    return Referrer(bill_format.media_type, bill, annotations)


def find_signed_bill(source: Source, image: Image, bill_format: BillFormat, expected: Sequence[Expected]) -> bytes:
    """Return the newest bill of an image that one of those who are expected has signed.

    The signature is on a statement about the image, with the bill in it, as `--sbom` with `--sign-key` and `cosign
    attest` make it. Where the bill is attached by itself too, it is returned as it is there, byte for byte; else as the
    statement has it. Bills that nobody has signed, or somebody else, do not count.

    Raises `NotSigned` where there is no signature at all, `InvalidSignature` where none is by who is expected or is of
    a bill, and what reading the source raises.
    """
    digest = image.manifest.digest
    refused: list[str] = []
    stated: list[str] = []
    for one in expected:
        report = verify_signatures(source, digest, one)
        refused += report.refused
        stated += [signature.predicate_type for signature in report.signatures]
        bills = [
            signature.statement.predicate
            for signature in report.signatures
            if signature.statement is not None and signature.predicate_type in bill_format.predicate_types
        ]
        if bills:
            if len(bills) > 1:
                _log.warning("%d %s bills are signed by %s; this is the newest", len(bills), bill_format, one.name)
            return _as_attached(source, image, bill_format, bills[0])
    whom = " or ".join(one.name for one in expected)
    what = f"no {bill_format} bill of materials of {digest} is signed by {whom}"
    attached = [entry.digest.short for entry in list_referrers(source, digest, bill_format.media_type)]
    there = f"; attached there: {', '.join(attached)}" if attached else ""
    if stated:
        raise InvalidSignature(f"{what}, who signed only {', '.join(dict.fromkeys(stated))}{there}")
    if refused:
        raise InvalidSignature(f"{what}{there}: " + "; ".join(dict.fromkeys(refused)))
    raise NotSigned(f"{what}: there is no signature{there}")


def _as_attached(source: Source, image: Image, bill_format: BillFormat, bill: Mapping[str, Any]) -> bytes:
    """Return a signed bill as the document that is attached, if one has the same content."""
    digest = image.manifest.digest
    for entry in list_referrers(source, digest, bill_format.media_type):
        try:
            content = read_document(source, entry, digest)
            if parse_json(content, "the bill", limit=MAX_BUNDLE) == bill:
                return content
        except (NotFound, InvalidDocument, ContentMismatch):
            continue
    return json.dumps(bill, indent=2, ensure_ascii=False).encode()


def find_bill(source: Source, image: Image, bill_format: BillFormat) -> tuple[bytes, bool]:
    """Return the bill of an image that `source` holds, and whether it was attached.

    Of several that are attached, the newest that can be read, with a warning. Where none is, one is made from the
    image's history, which lacks licenses and dependencies. Raises `NotFound` when the history names no packages either,
    and what reading the source raises.
    """
    digest = image.manifest.digest
    entries = list_referrers(source, digest, bill_format.media_type)
    for entry in entries:
        try:
            bill = read_document(source, entry, digest)
            if others := [other.digest for other in entries if other is not entry]:
                _log.warning(
                    "%d %s bills of materials are attached; this is %s, by its date the newest, which anybody who may "
                    "attach can choose; the others are %s",
                    len(entries),
                    bill_format,
                    entry.digest,
                    ", ".join(others),
                )
            return bill, True
        except (NotFound, InvalidDocument, ContentMismatch) as error:
            _log.warning("%s is listed as a bill of materials and passed over: %s", entry.digest, error)
    return bill_of_materials(image, bill_format), False
