"""Bills of materials attached to images: as referrers in registries, OCI layouts and OCI archives."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from conda_docker.sbom.document import BillFormat, bill_of_materials
from python_docker.copying.referrer import Referrer, list_referrers, read_document
from python_docker.errors import ContentMismatch, InvalidDocument, NotFound

if TYPE_CHECKING:
    from python_docker.image import Image
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


def find_bill(source: Source, image: Image, bill_format: BillFormat) -> tuple[bytes, bool]:
    """Return the bill of an image that `source` holds, and whether it was attached.

    Of several that are attached, the newest that can be read, with a warning. Where none is, one is made from the
    image's history, which lacks licences and dependencies. Raises `NotFound` when the history names no packages either,
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
