"""attach: signatures, and bills of materials, on images that are in a registry or an OCI layout already."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.attestation.attachments import bundle_referrer
from conda_docker.sbom.attachment import bill_referrer
from conda_docker.sbom.described import described_images, is_own
from conda_docker.sbom.document import BillFormat, bill_of_materials
from python_docker.copying.referrer import put_referrer
from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.image import Image
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.signing.tagged import put_tagged_signatures
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import MANIFESTS
from python_docker.spec.strict_json import parse_json
from python_docker.transports import Location, destination

if TYPE_CHECKING:
    from conda_docker.attestation.attachments import Signer
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.signing.simple_signing import PayloadSigner
    from python_docker.spec.digest import Digest
    from python_docker.transports.medium import Destination, Source

_log = logging.getLogger("conda_docker")

MAX_BILL = 64 << 20
"""How many bytes a bill of materials may have that is attached."""
_PLACES = ("docker", "oci")


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed of one image or index: the `predicate_types` of the statements about it."""

    digest: Digest
    platform: str | None
    predicate_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of materials that is attached as it is; `name` is what messages call it."""

    format: BillFormat
    content: bytes
    name: str = "the bill"


def read_bill(content: bytes, name: str) -> Bill:
    """Return a bill of materials, whose format its content shows; `name` is what errors call it.

    Raises `InvalidDocument` for anything else than CycloneDX or SPDX 2 in JSON.

    >>> read_bill(b'{"bomFormat": "CycloneDX"}', "app.cdx.json").format
    <BillFormat.CYCLONEDX: 'cyclonedx'>
    """
    try:
        value = parse_json(content, name, limit=MAX_BILL)
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("bomFormat") == "CycloneDX":
        return Bill(BillFormat.CYCLONEDX, content, name)
    if isinstance(value, dict) and str(value.get("spdxVersion", "")).startswith("SPDX-2"):
        return Bill(BillFormat.SPDX, content, name)
    raise InvalidDocument(f"{name} is not a bill of materials in JSON, of CycloneDX or SPDX 2")


def check_place(location: Location) -> None:
    """Raise `UnsupportedFormat` for a place where nothing can be attached to images that are there."""
    if location.transport not in _PLACES:
        raise UnsupportedFormat(
            f"nothing can be attached to the image in {location} where it is; copy it to a registry or an OCI layout"
        )


def sign_existing(
    source: Source,
    root: Manifest | Index,
    location: Location,
    signer: Signer,
    *,
    formats: Sequence[BillFormat] = (),
    bills: Sequence[Bill] = (),
    sign_payload: PayloadSigner | None = None,
    registry: RegistryOptions | None = None,
) -> list[Signed]:
    """Sign what `source` has at `root`, which is at `location`, and return what was signed.

    Of an index, the images in it are signed too. `formats` are bills of materials to be made of each image's history,
    `bills` others for the root; both are attached, and signed as statements. With `sign_payload`, cosign's older form
    is written as well. Nothing is changed but what is attached: a tag that moves meanwhile keeps what it names then.

    Raises `UnsupportedFormat` for a place where nothing can be attached, `InvalidDocument` for one of `bills` that was
    made for another image, `NotFound` for a bill of an image whose history names no packages, `SigningFailed`, and what
    writing there raises.
    """
    check_place(location)
    for bill in bills:
        _check_subject(bill, source, root)
    place = Location(location.transport, location.path, location.name if location.transport == "docker" else None)
    reference = source.reference
    name = "image" if reference is None else reference.name
    signed = []
    with destination(place, registry=registry) as target:
        for manifest, platform in _subjects(source, root):
            image = _image(source, manifest)
            attached = list(bills) if manifest is root else []
            if image is not None:
                attached += [Bill(one, bill_of_materials(image, one)) for one in formats]
            signed.append(_sign(manifest, platform, name, image, attached, signer, target))
        if sign_payload is not None:
            put_tagged_signatures([one.digest for one in signed], name, sign_payload, target)
    return signed


def _check_subject(bill: Bill, source: Source, root: Manifest | Index) -> None:
    """Warn of a bill that names the digest of another image than `root` and those in it.

    Other programs name an image of Docker's by a digest that only they know. Raises `InvalidDocument` where
    conda-docker made the bill, which names an image by the digest that it was written with.
    """
    value = json.loads(bill.content)
    described = described_images(value)
    if not described or described & _digests(root):
        return
    if described & _digests(source.root()):
        return  # of the image for one platform that is signed, the bill names all
    told = f"is of {', '.join(sorted(described))}, and not of {root.digest}"
    if is_own(value):
        raise InvalidDocument(f"{bill.name} {told}, which is to be signed; --sbom makes one of that")
    _log.warning("%s says that it %s: it may describe another image", bill.name, told)


def _digests(root: Manifest | Index) -> set[str]:
    return {root.digest, *(child.digest for child in (root.manifests if isinstance(root, Index) else ()))}


def _subjects(source: Source, root: Manifest | Index) -> list[tuple[Manifest | Index, str | None]]:
    """Return what is to be signed: the root and, where it is an index, the images in it."""
    found: list[tuple[Manifest | Index, str | None]] = [(root, None)]
    for descriptor in root.manifests if isinstance(root, Index) else ():
        platform = descriptor.get_platform()
        if descriptor.media_type in MANIFESTS and platform is not None and platform.os != "unknown":
            found.append((source.child(descriptor), str(platform)))
    return found


def _image(source: Source, manifest: Manifest | Index) -> Image | None:
    is_image = isinstance(manifest, Manifest) and manifest.is_image
    return Image.from_manifest(manifest, source.blob) if is_image and isinstance(manifest, Manifest) else None


def _sign(
    manifest: Manifest | Index,
    platform: str | None,
    name: str,
    image: Image | None,
    bills: Sequence[Bill],
    signer: Signer,
    target: Destination,
) -> Signed:
    created = None if image is None else image.created
    statements = {SIGNATURE: statement(manifest.digest, SIGNATURE, {}, name)}
    for bill in bills:
        put_referrer(bill_referrer(bill.content, bill.format, created), manifest, target)
        predicate = json.loads(bill.content)
        statements[bill.format.predicate_type] = statement(manifest.digest, bill.format.predicate_type, predicate, name)
    for predicate_type, content in statements.items():
        put_referrer(bundle_referrer(signer(content), predicate_type, created), manifest, target)
    return Signed(manifest.digest, platform, tuple(statements))
