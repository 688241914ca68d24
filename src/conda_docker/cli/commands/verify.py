"""`conda-docker verify`: whether an image is what its packages make, and signed by whom it should be."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import to_source
from conda_docker.cli.options.attest import KeyFile
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from conda_docker.verification.base import BaseRegistry
    from conda_docker.verification.report import RebuildReport
    from python_docker.registry.options import RegistryOptions
    from python_docker.signing.keys import VerifyingKey
    from python_docker.signing.verify import Check, SignatureReport
    from python_docker.spec.digest import Digest
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location
    from python_docker.transports.medium import Source

_EXAMPLES = """
# Make all layers again, and compare them
conda-docker verify --rebuild ghcr.io/org/name:tag
# Only those of some packages
conda-docker verify --rebuild --packages numpy,openssl demo.tar
# Check that a key signed it
conda-docker verify --key cosign.pub ghcr.io/org/name:tag
# Check that a CI workflow signed it
conda-docker verify ghcr.io/org/name:tag \\
  --certificate-identity https://github.com/org/name/.github/workflows/image.yml@refs/heads/main \\
  --certificate-oidc-issuer https://token.actions.githubusercontent.com
"""
_REBUILD, _SIGNATURES = "Making layers again", "Signatures"
_FILE = click.Path(path_type=Path)


@command(
    options.SOURCE,
    Option(
        "--rebuild",
        is_flag=True,
        panel=_REBUILD,
        help="Make the image's layers again from the packages that its history names, and compare them.",
    ),
    Option(
        "--packages",
        metavar="NAMES",
        multiple=True,
        panel=_REBUILD,
        help="Make only the layers of these packages again; separated by commas, repeatable.",
    ),
    Option(
        "--no-layers",
        is_flag=True,
        panel=_REBUILD,
        help="Compare digests only: do not read the image's own layers.",
    ),
    Option(
        "--strict",
        is_flag=True,
        panel=_REBUILD,
        help="Fail for layers that cannot be verified, such as added files [default].",
    ),
    Option(
        "--allow-unverified",
        is_flag=True,
        panel=_REBUILD,
        help="Accept layers that cannot be verified. Layers of packages without a hash, and those of --packages, "
        "are never accepted.",
    ),
    Option(
        "--base",
        metavar="REF",
        convert=to_source,
        panel=_REBUILD,
        help="Compare the base's layers with this image, rather than with the one that the image names.",
    ),
    Option(
        "--link-scripts",
        is_flag=True,
        panel=_REBUILD,
        help="Run link scripts that ran in the build again, in a sandbox without network, and compare their changes.",
    ),
    Option("--offline", is_flag=True, panel=_REBUILD, help="Use only packages that are on this machine."),
    Option(
        "--key",
        metavar="FILE",
        type=KeyFile(),
        multiple=True,
        panel=_SIGNATURES,
        help="Check that the image is signed by this public key (PEM), by conda-docker or by cosign; given more than "
        "once, by any of them.",
    ),
    Option(
        "--certificate-identity",
        metavar="NAME",
        panel=_SIGNATURES,
        help="Check that this identity signed the image, by Sigstore: a mail address, or the URL of a CI workflow.",
    ),
    Option(
        "--certificate-oidc-issuer",
        metavar="URL",
        panel=_SIGNATURES,
        help="Who vouches for that identity.",
    ),
    Option(
        "--trusted-root",
        metavar="FILE",
        type=_FILE,
        panel=_SIGNATURES,
        help="Whom to trust to certify identities: a trusted_root.json, or what `build --trust-config` takes [default: "
        "Sigstore's public service, which is asked]",
    ),
    options.PLATFORM,
    *options.LOGIN,
    options.JSON,
    examples=_EXAMPLES,
)
def verify(
    output: Output,
    source: Location,
    rebuild: bool,
    packages: tuple[str, ...],
    no_layers: bool,
    strict: bool,
    allow_unverified: bool,
    base: Location | None,
    link_scripts: bool,
    offline: bool,
    key: tuple[Path, ...],
    certificate_identity: str | None,
    certificate_oidc_issuer: str | None,
    trusted_root: Path | None,
    platform: Platform | None,
    insecure: tuple[str, ...],
    cacert: Path | None,
    username: str | None,
    password_stdin: bool,
    json: bool,
) -> int:
    """Check that an image is what it says it is made of, and who stands behind it.

    With --rebuild, each layer is made again from the packages that the image's history names by URL and hash, and
    compared: a file that was changed after the build is found, and named. With --key or --certificate-identity, the
    image must be signed. The exit code is 1 when something differs or cannot be verified, or a signature is missing.
    """
    signed = bool(key) or certificate_identity is not None
    if not rebuild and not signed:
        raise click.UsageError("say what to verify, with --rebuild, --key or --certificate-identity")
    for option, given in (
        ("--packages", packages),
        ("--link-scripts", link_scripts),
        ("--allow-unverified", allow_unverified),
    ):
        if given and not rebuild:
            raise click.UsageError(f"{option} needs --rebuild")
    if strict and allow_unverified:
        raise click.UsageError("--strict and --allow-unverified exclude each other")
    if packages and link_scripts:
        raise click.UsageError("--packages and --link-scripts exclude each other: scripts see all packages")
    if key and certificate_identity is not None:
        raise click.UsageError("--key and --certificate-identity exclude each other")
    if (certificate_identity is None) != (certificate_oidc_issuer is None):
        raise click.UsageError("--certificate-identity and --certificate-oidc-issuer need each other")
    from conda_docker.cli.options.registries import registry_options, source_options
    from conda_docker.cli.terminal.verification import rebuild_json, rebuild_text, signatures_json, signatures_text
    from python_docker.copying.choose import image_of
    from python_docker.transports import open_source

    registry = source_options(
        source, insecure=insecure, ca_bundle=cacert, username=username, password_stdin=password_stdin
    )

    def base_registry(location: Location) -> RegistryOptions | None:
        return registry_options(location, insecure=insecure, ca_bundle=cacert)

    value: dict[str, Any] = {"location": str(source), "digest": None, "signatures": None, "rebuild": None}
    texts: list[str] = []
    ok = True
    signers = [
        _Signers(one, certificate_identity, certificate_oidc_issuer, trusted_root)
        for one in (dict.fromkeys(key) or [None] if signed else [])
    ]
    opened = open_source(source, registry=registry)
    try:
        digest = opened.root().digest if platform is None else image_of(opened, platform).manifest.digest
        value["digest"] = digest
        if signers:
            signatures, name = _verify_by_any(signers, opened, digest)
            value["signatures"] = signatures_json(signatures)
            texts.append(signatures_text(signatures, digest, name))
            ok = signatures.ok
        if rebuild and ok:
            report = _rebuild(
                output,
                opened,
                platform,
                packages,
                base,
                base_registry,
                read=not no_layers,
                offline=offline,
                link_scripts=link_scripts,
            )
            value["rebuild"] = rebuild_json(report)
            texts.append(rebuild_text(report))
            ok = report.ok and (allow_unverified or not report.missing)
            if report.ok and not ok:
                output.note("note: --allow-unverified accepts layers that cannot be verified")
    finally:
        opened.close()
    output.json(value) if json else output.result("\n".join(texts))
    return 0 if ok else 1


def _rebuild(
    output: Output,
    opened: Source,
    platform: Platform | None,
    packages: tuple[str, ...],
    base: Location | None,
    base_registry: BaseRegistry,
    *,
    read: bool,
    offline: bool,
    link_scripts: bool,
) -> RebuildReport:
    from conda_docker.build_options import BuildOptions
    from conda_docker.cli.terminal.display import open_display
    from conda_docker.verification.rebuild import rebuild
    from python_docker.copying.choose import image_of

    with open_display(output) as progress:
        return rebuild(
            image_of(opened, platform),
            packages=[name.strip() for text in packages for name in text.split(",") if name.strip()],
            options=BuildOptions(offline=offline),
            read_layers=read,
            base=base,
            base_registry=base_registry,
            link_scripts=link_scripts,
            progress=progress,
        )


def _verify_by_any(signers: list[_Signers], opened: Source, digest: Digest) -> tuple[SignatureReport, str]:
    """Return the signatures by the first of the signers who signed an image, and what that one is called."""
    from python_docker.signing.verify import SignatureReport

    refused: list[str] = []
    for signer in signers:
        report = signer.verify(opened, digest)
        if report.ok:
            return report, signer.name
        refused += report.refused
    return SignatureReport((), tuple(dict.fromkeys(refused))), " or ".join(signer.name for signer in signers)


class _Signers:
    """By whom an image should be signed: a key, or an identity."""

    def __init__(self, key: Path | None, identity: str | None, issuer: str | None, trusted_root: Path | None) -> None:
        from conda_docker.cli.options.attest import check_libraries, read_public_key

        check_libraries("sigstore" if key is None else "cryptography")
        self.key: VerifyingKey | None = None
        self.check: Check
        if key is not None:
            from python_docker.signing.bundle import verify_bundle

            self.key = read_public_key(key)
            self.check = partial(verify_bundle, key=self.key)
            self.name = f"the key {key}"
        else:
            from python_docker.signing import keyless

            root = keyless.trusted_root(trusted_root)
            self.check = partial(keyless.verify_bundle_of, identity=identity or "", issuer=issuer or "", root=root)
            self.name = str(identity)

    def verify(self, opened: Source, digest: Digest) -> SignatureReport:
        """Return the signatures on an image, attached and under cosign's older tags."""
        from python_docker.signing.verify import verify_signatures

        return verify_signatures(opened, digest, self.check, key=self.key)
