"""`conda-docker sign`: a signature on an image that exists, and bills of materials with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conda_docker.arguments.values import BILL_FORMATS
from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import to_platform
from conda_docker.cli.options.attest import PASSWORD_VARIABLES
from conda_docker.cli.parameters import FilePath, Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output
from python_docker.errors import reason_of

if TYPE_CHECKING:
    from conda_docker.attestation.existing import Bill, Signed
    from conda_docker.cli.options.registries import Access
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

_EXAMPLES = """
# With a key, as cosign does
conda-docker sign --key cosign.key ghcr.io/org/name:tag
# With the identity of a CI job
conda-docker sign ghcr.io/org/name:tag
# With a bill of materials, made from the image's history
conda-docker sign --key cosign.key --sbom cyclonedx ghcr.io/org/name:tag
"""
_FILE = FilePath()


@command(
    options.SOURCE,
    Option(
        "--key",
        metavar="FILE",
        type=FilePath(),
        once=True,
        help="Sign with this private key (PEM, or cosign's; env://NAME in a variable); its password comes from "
        f"{PASSWORD_VARIABLES[0]}, or is asked for [default: sign with the identity that the CI system gives this job]",
    ),
    Option(
        "--trust-config",
        metavar="FILE",
        type=_FILE,
        help="Without --key: the Sigstore to ask, from a client trust configuration [default: the public one]",
    ),
    Option(
        "--signature-tag",
        is_flag=True,
        help="Sign in cosign's older form too, under the tag sha256-DIGEST.sig.",
    ),
    Option(
        "--sbom",
        "sbom",
        metavar="FORMAT",
        multiple=True,
        type=click.Choice(BILL_FORMATS),
        help="Attach and sign a bill of materials, cyclonedx or spdx, made from the image's history; repeatable.",
    ),
    Option(
        "--attach",
        metavar="FILE",
        multiple=True,
        type=_FILE,
        help="Attach and sign this bill of materials (CycloneDX or SPDX 2, in JSON); repeatable.",
    ),
    Option(
        "--platform",
        metavar="OS/ARCH",
        convert=to_platform,
        help="Sign the image for this platform alone [default: a multi-platform image and all images in it]",
    ),
    options.LOGIN,
    options.JSON,
    examples=_EXAMPLES,
)
def sign(
    output: Output,
    source: Location,
    key: Path | None,
    trust_config: Path | None,
    signature_tag: bool,
    sbom: tuple[str, ...],
    attach: tuple[Path, ...],
    platform: Platform | None,
    access: Access,
    json: bool,
) -> None:
    """Sign an image in a registry or an OCI layout.

    The digest that the name refers to now is signed, and printed. The signature is attached to the image and does not
    change it. `conda-docker verify` and cosign verify it.
    """
    if key is not None and trust_config is not None:
        raise click.UsageError("--key and --trust-config are mutually exclusive: sign with a key, or with an identity")
    from conda_docker.attestation.existing import check_place, sign_existing
    from conda_docker.cli.options.attest import check_libraries, read_private_key, signer_of
    from conda_docker.sbom.document import BillFormat, check_installed
    from python_docker.copying.choose import manifest_of
    from python_docker.transports import open_source

    check_place(source)
    check_libraries("sigstore" if key is None else "cryptography")
    formats = [BillFormat(name) for name in dict.fromkeys(sbom)]
    check_installed(formats)
    bills = [_read(path) for path in attach]
    signer = signer_of(None if key is None else read_private_key(key), trust_config)
    registry = access.to_image(source)
    opened = open_source(source, registry=registry)
    try:
        root = opened.root()
        signed = sign_existing(
            opened,
            root if platform is None else manifest_of(opened, platform, root)[0],
            source,
            signer,
            formats=formats,
            bills=bills,
            sign_payload=signer.sign_payload if signature_tag else None,
            registry=registry,
        )
    finally:
        opened.close()
    _tell(output, str(source), signed, json=json)


def _read(path: Path) -> Bill:
    from conda_docker.attestation.existing import MAX_BILL, read_bill
    from conda_docker.user_files import read_named
    from python_docker.errors import Error

    try:
        content = read_named(path, MAX_BILL)
    except OSError as error:
        raise Error(f"cannot read {path}: {reason_of(error)}") from None
    return read_bill(content, str(path))


def _tell(output: Output, location: str, signed: list[Signed], *, json: bool) -> None:
    from python_docker.signing.statement import SIGNATURE

    if json:
        found = [
            {"digest": one.digest, "platform": one.platform, "predicate_types": list(one.predicate_types)}
            for one in signed
        ]
        output.json({"location": location, "signed": found})
        return
    lines = []
    for one in signed:
        lines.append(f"signed  {one.digest}" + (f" ({one.platform})" if one.platform else ""))
        lines += [f"stated  {predicate}" for predicate in one.predicate_types if predicate != SIGNATURE]
    output.result("\n".join(lines))
