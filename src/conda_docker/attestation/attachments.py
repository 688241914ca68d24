"""BuildAttachments: all that one build attaches to its images: bills of materials, provenance, signatures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conda_docker.attestation.buildkit import PREDICATE_TYPE as PREDICATE_ANNOTATION
from conda_docker.attestation.buildkit import attestation_descriptor, attestation_manifest
from conda_docker.attestation.slsa import PREDICATE_TYPE, Run, provenance
from conda_docker.sbom.attachment import bill_referrer
from conda_docker.sbom.document import BillFormat
from python_docker.copying.referrer import Referrer
from python_docker.errors import InvalidReference
from python_docker.signing.bundle import BUNDLE_TYPE
from python_docker.signing.statement import MEDIA_TYPE, SIGNATURE, statement

if TYPE_CHECKING:
    from conda_docker.attestation.bill_writer import BillWriter
    from conda_docker.attestation.slsa import Files
    from conda_docker.image.result import BuildResult
    from conda_docker.request import Request
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.spec.documents.manifest import Index, Manifest

Signer = Callable[[bytes], bytes]
"""Returns a bundle with a statement, signed."""


@dataclass(frozen=True, slots=True)
class Attached:
    """An artifact that was attached to the image or index `subject`.

    `kind` is `sbom`, `provenance`, `signature`, or `attestation manifest` for what stands next to an image in an index;
    `digest` is that of its manifest. `predicate_type` is what a statement in it says, and None for an attestation
    manifest, which holds several. `signed` says that there is a signature in it. `tag` is the one that names it, if it
    is not a referrer.
    """

    kind: str
    digest: Digest
    subject: Digest
    predicate_type: str | None = None
    signed: bool = False
    tag: str | None = None


_KINDS = {SIGNATURE: "signature", PREDICATE_TYPE: "provenance", **{one.predicate_type: "sbom" for one in BillFormat}}


@dataclass(frozen=True, slots=True)
class BuildAttachments:
    """What is attached to the images of one build (see `conda_docker.image.index.Attachments`).

    `bills` makes bills of materials; `run` says what provenance states of the run (None: no provenance); `signer` signs
    the images, and what is attached to them. `in_index` puts provenance and SPDX bills into the index as well, in
    BuildKit's form. `attached` is what they gave out so far.
    """

    results: Sequence[BuildResult]
    request: Request
    bills: BillWriter | None = None
    run: Run | None = None
    files: Files = ()
    signer: Signer | None = None
    in_index: bool = False
    attached: dict[Attached, None] = field(default_factory=dict)
    _signed: dict[bytes, bytes] = field(default_factory=dict)

    def to_image(self, image: Image, manifest: Manifest) -> list[Referrer]:
        """Return what is attached to an image: documents, then statements that are signed."""
        bills = {} if self.bills is None else self.bills.bills(image, manifest)
        statements = self._statements(image, manifest, bills)
        found: list[Referrer] = []
        for bill_format, bill in bills.items():
            self._add(found, bill_referrer(bill, bill_format, image.created), manifest, bill_format.predicate_type)
        if self.run is not None:
            annotations = _created(image.created) | {PREDICATE_ANNOTATION: PREDICATE_TYPE}
            stated = Referrer(MEDIA_TYPE, statements[PREDICATE_TYPE], annotations)
            self._add(found, stated, manifest, PREDICATE_TYPE)
        if self.signer is not None:
            signed = {SIGNATURE: statement(manifest.digest, SIGNATURE, {}, _name(image))} | statements
            for kind, content in signed.items():
                self._add(found, self._bundle(content, kind, image, self.signer), manifest, kind, signed=True)
        return found

    def _add(
        self,
        found: list[Referrer],
        referrer: Referrer,
        subject: Manifest | Index,
        predicate_type: str,
        *,
        signed: bool = False,
    ) -> None:
        """Add what is attached to `subject` to what was found, and to what is reported."""
        found.append(referrer)
        digest = referrer.manifest(subject.descriptor).digest
        self.attached[Attached(_KINDS[predicate_type], digest, subject.digest, predicate_type, signed)] = None

    def beside_image(self, image: Image, manifest: Manifest) -> tuple[Manifest, Descriptor, Sequence[Blob]]:
        """Return the attestation manifest that stands in the index next to an image, in BuildKit's form."""
        bills = {} if self.bills is None else self.bills.bills(image, manifest)
        # What reads this form knows SPDX alone.
        spdx: dict[BillFormat, bytes] = {kind: bill for kind, bill in bills.items() if kind is BillFormat.SPDX}
        statements = self._statements(image, manifest, spdx)
        attestation, blobs = attestation_manifest(manifest.descriptor, list(statements.items()))
        self.attached[Attached("attestation manifest", attestation.digest, manifest.digest)] = None
        return attestation, attestation_descriptor(attestation, manifest.descriptor), blobs

    def to_index(self, index: Index) -> list[Referrer]:
        """Return the signature on an index."""
        if self.signer is None:
            return []
        image = self.results[0].image
        found: list[Referrer] = []
        signed = self._bundle(statement(index.digest, SIGNATURE, {}, _name(image)), SIGNATURE, image, self.signer)
        self._add(found, signed, index, SIGNATURE, signed=True)
        return found

    def _statements(self, image: Image, manifest: Manifest, bills: Mapping[BillFormat, bytes]) -> dict[str, bytes]:
        """Return what is stated about an image, by the type of the predicate."""
        name = _name(image)
        predicates: dict[str, dict[str, Any]] = {kind.predicate_type: json.loads(bill) for kind, bill in bills.items()}
        if self.run is not None:
            result = next(result for result in self.results if result.image is image)
            predicates[PREDICATE_TYPE] = provenance(result, self.request, self.files, self.run)
        return {kind: statement(manifest.digest, kind, predicate, name) for kind, predicate in predicates.items()}

    def _bundle(self, content: bytes, predicate_type: str, image: Image, signer: Signer) -> Referrer:
        """Return a signed statement; the same one is signed once, however many places the image goes to."""
        if content not in self._signed:
            self._signed[content] = signer(content)
        return bundle_referrer(self._signed[content], predicate_type, image.created)


def bundle_referrer(bundle: bytes, predicate_type: str, created: str | None) -> Referrer:
    """Return a signed statement as a document to attach, as cosign 3 does; `created` is the image's own time."""
    annotations = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate_type,
    }
    return Referrer(BUNDLE_TYPE, bundle, annotations | _created(created))


def _created(created: str | None) -> dict[str, str]:
    return {"org.opencontainers.image.created": created} if created else {}


def _name(image: Image) -> str:
    try:
        return image.reference.name
    except InvalidReference:
        return "image"
