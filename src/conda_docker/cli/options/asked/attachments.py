"""What options have attached to the images of a build: bills of materials, provenance, signatures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options import attest
from conda_docker.cli.options.asked.destinations import check_file, registry_of

if TYPE_CHECKING:
    from conda_docker.attestation.attachments import Attached, BuildAttachments
    from conda_docker.attestation.bill_writer import BillWriter
    from conda_docker.attestation.slsa import Files
    from conda_docker.image.assemble import BuildResult
    from conda_docker.image.index import Attachments as ImageAttachments
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.request import Request
    from conda_docker.sbom.document import BillFormat
    from python_docker.signing.keys import SigningKey
    from python_docker.spec.documents.manifest import Index, Manifest
    from python_docker.transports import Location


def check_attachable(given: Mapping[str, Any], locations: Sequence[Location]) -> None:
    """Raise a usage error where something is to be attached to the image, and no place can hold it."""
    if not attest.asked(given) or not locations or any(location.medium.holds_referrers for location in locations):
        return
    from python_docker.transports.table import REFERRER_FORMS

    raise click.UsageError(f"nothing can be attached to the image in {locations[0]}; use {REFERRER_FORMS}")


class Attachments:
    """What the options have attached to the images of a build. The key is read, and files are hashed, at the start.

    `key` is the key of `--sign-key` where it has been read already, for another image.
    """

    def __init__(self, request: Request, given: Mapping[str, Any], *, key: SigningKey | None = None) -> None:
        self._request = request
        self._given = given
        self._started = time.time()
        if key is None and given["sign_key"]:
            key = attest.read_private_key(given["sign_key"])
        signs = given["sign"] or given["sign_key"]
        self._signer = attest.signer_of(key, given["trust_config"]) if signs else None
        self._made: BuildAttachments | None = None
        self._files: Files = ()
        self._tagged: dict[Location, list[Attached]] = {}
        if given["provenance"]:
            from conda_docker.attestation.slsa import input_digests

            self._files = input_digests(request)

    def of(
        self, results: list[BuildResult], bills: BillWriter | None, replaced: ReplacedImages | None
    ) -> ImageAttachments | None:
        """Return what is attached to the images of `results`, and to what replaces others; None for nothing."""
        attached = self._stated(results, bills)
        if replaced is None:
            return attached
        from conda_docker.image.reuse import WithLayers

        return WithLayers(attached, replaced, alone=len(results) == 1)

    def _stated(self, results: list[BuildResult], bills: BillWriter | None) -> BuildAttachments | None:
        if bills is None and not attest.asked(self._given):
            return None
        if self._made is None:
            from conda_docker.attestation.attachments import BuildAttachments

            self._made = BuildAttachments(
                results,
                self._request,
                bills,
                attest.run_of(self._given, self._started, time.time()),
                self._files,
                self._signer,
                in_index=self._given["buildkit_attestations"],
            )
        return self._made

    def write_tags(self, location: Location, written: Manifest | Index) -> None:
        """Sign what was written to a registry or a layout in cosign's older form, if that is asked for."""
        if self._signer is None or not self._given["signature_tag"] or location.transport not in ("docker", "oci"):
            return
        from python_docker.signing.tagged import put_tagged_signatures
        from python_docker.spec.documents.manifest import Index
        from python_docker.transports import destination

        digests = [written.digest]
        if isinstance(written, Index):
            digests += [child.digest for child in written.manifests if (child.platform or {}).get("os") != "unknown"]
        reference = location.reference()
        name = "image" if reference is None else reference.name
        with destination(location, registry=registry_of(location, self._given)) as target:
            tags = put_tagged_signatures(digests, name, self._signer.sign_payload, target)
        from conda_docker.attestation.attachments import Attached
        from python_docker.signing.statement import SIGNATURE

        self._tagged[location] = [
            Attached("signature", manifest.digest, subject, SIGNATURE, signed=True, tag=tag)
            for subject, (tag, manifest) in zip(digests, tags.items(), strict=True)
        ]

    def attached(self, location: Location, written: Manifest | Index) -> list[Attached]:
        """Return what was attached to what was written to a place, and to the images in it."""
        from python_docker.spec.documents.manifest import Index

        if self._made is None or not location.medium.holds_referrers:
            return []
        children = [child.digest for child in written.manifests] if isinstance(written, Index) else []
        subjects = {written.digest, *children}
        found = [one for one in self._made.attached if one.subject in subjects]
        return [*found, *self._tagged.get(location, ())]


def bills_of(given: Mapping[str, Any], locations: Sequence[Location]) -> dict[BillFormat, Path | None]:
    """Return the formats of bills of materials that are asked for, and the file that each goes to."""
    if not given["sbom_in_image"] and not given["sbom"] and not given["sbom_output"]:
        return {}
    from conda_docker.sbom.document import BillFormat, check_installed

    check_installed([BillFormat(name) for name in given["sbom_in_image"]])
    if not given["sbom"] and not given["sbom_output"]:
        return {}
    from python_docker.transports.table import REFERRER_FORMS

    formats = [BillFormat(name) for name in dict.fromkeys(given["sbom"])]
    files: tuple[Path, ...] = given["sbom_output"]
    if files and len(files) != len(formats):
        raise click.UsageError(f"give --sbom-output once for each --sbom; got {len(files)} for {len(formats)}")
    if files and len(given["platform"]) > 1:
        raise click.UsageError("--sbom-output holds the bill of one platform; attached, each platform has its own")
    if not files and locations and not any(location.medium.holds_referrers for location in locations):
        raise click.UsageError(
            f"nothing can be attached to the image in {locations[0]}; use {REFERRER_FORMS}, or --sbom-output FILE"
        )
    for path in files:
        check_file(path)
    check_installed(formats)
    return dict(zip(formats, files or [None] * len(formats), strict=True))
