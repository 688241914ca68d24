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
    from conda_docker.attestation.slsa import Files
    from conda_docker.image.result import BuildResult
    from conda_docker.request import Request
    from conda_docker.sbom.writer import BillWriter
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.documents import Descriptor, Index, Manifest

Signer = Callable[[bytes], bytes]
"""Returns a bundle with a statement, signed."""


@dataclass(frozen=True, slots=True)
class BuildAttachments:
    """What is attached to the images of one build (see `conda_docker.image.index.Attachments`).

    `bills` makes bills of materials; `run` says what provenance states of the run (None: no provenance); `signer` signs
    the images, and what is attached to them. `in_index` puts provenance and SPDX bills into the index as well, in
    BuildKit's form.
    """

    results: Sequence[BuildResult]
    request: Request
    bills: BillWriter | None = None
    run: Run | None = None
    files: Files = ()
    signer: Signer | None = None
    in_index: bool = False
    _signed: dict[bytes, bytes] = field(default_factory=dict)

    def to_image(self, image: Image, manifest: Manifest) -> list[Referrer]:
        """Return what is attached to an image: documents, then statements that are signed."""
        bills = {} if self.bills is None else self.bills.bills(image, manifest)
        statements = self._statements(image, manifest, bills)
        found = [bill_referrer(bill, bill_format, image.created) for bill_format, bill in bills.items()]
        if self.run is not None:
            annotations = _created(image.created) | {PREDICATE_ANNOTATION: PREDICATE_TYPE}
            found.append(Referrer(MEDIA_TYPE, statements[PREDICATE_TYPE], annotations))
        if self.signer is not None:
            signed = {SIGNATURE: statement(manifest.digest, SIGNATURE, {}, _name(image))} | statements
            found += [self._bundle(content, kind, image, self.signer) for kind, content in signed.items()]
        return found

    def beside_image(self, image: Image, manifest: Manifest) -> tuple[Manifest, Descriptor, Sequence[Blob]]:
        """Return the attestation manifest that stands in the index next to an image, in BuildKit's form."""
        bills = {} if self.bills is None else self.bills.bills(image, manifest)
        # What reads this form knows SPDX alone.
        spdx: dict[BillFormat, bytes] = {kind: bill for kind, bill in bills.items() if kind is BillFormat.SPDX}
        statements = self._statements(image, manifest, spdx)
        attestation, blobs = attestation_manifest(manifest.descriptor, list(statements.items()))
        return attestation, attestation_descriptor(attestation, manifest.descriptor), blobs

    def to_index(self, index: Index) -> list[Referrer]:
        """Return the signature on an index."""
        if self.signer is None:
            return []
        image = self.results[0].image
        return [self._bundle(statement(index.digest, SIGNATURE, {}, _name(image)), SIGNATURE, image, self.signer)]

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
