"""Options on who should have signed: a key, or an identity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from conda_docker.cli.options.attest import check_libraries, read_public_key, shown_key
from conda_docker.cli.parameters import FilePath, Option, Together

if TYPE_CHECKING:
    from python_docker.signing.expected import Expected

SIGNERS = "Signatures"
_OPTIONS = (
    Option(
        "--key",
        metavar="FILE",
        type=FilePath(),
        multiple=True,
        panel=SIGNERS,
        help="Require a signature with this key (the public one: PEM; env://NAME in a variable), made by conda-docker "
        "or cosign; given more than once, with any of them.",
    ),
    Option(
        "--certificate-identity",
        metavar="NAME",
        panel=SIGNERS,
        help="Require a Sigstore signature with this identity: a mail address, or the URL of a CI workflow.",
    ),
    Option(
        "--certificate-oidc-issuer",
        metavar="URL",
        panel=SIGNERS,
        help="The issuer that must vouch for that identity.",
    ),
    Option(
        "--trusted-root",
        metavar="FILE",
        type=FilePath(),
        panel=SIGNERS,
        help="The authorities that certify identities: a trusted_root.json, or what `build --trust-config` takes "
        "[default: those of Sigstore's public service, which is asked]",
    ),
)


class Signers(NamedTuple):
    """By whom something should be signed, as options say: by any of some keys, or with an identity."""

    key: tuple[Path, ...]
    certificate_identity: str | None
    certificate_oidc_issuer: str | None
    trusted_root: Path | None

    def __bool__(self) -> bool:
        return bool(self.key) or self.certificate_identity is not None

    def check(self) -> None:
        """Raise a usage error for options that do not go together."""
        if self.key and self.certificate_identity is not None:
            raise click.UsageError("--key and --certificate-identity are mutually exclusive")
        if (self.certificate_identity is None) != (self.certificate_oidc_issuer is None):
            raise click.UsageError("--certificate-identity and --certificate-oidc-issuer need each other")
        if self.trusted_root is not None and self.certificate_identity is None:
            raise click.UsageError("--trusted-root needs --certificate-identity")

    def read(self) -> list[Expected]:
        """Return by whom something should be signed: any of these. Empty when nobody is named.

        Raises `InvalidKey`, `NotFound` and `InvalidDocument` for files that do not say so, and `ConnectionFailed` where
        Sigstore's public repository of trust is needed and cannot be read.
        """
        if self.certificate_identity is not None:
            from python_docker.signing.expected import ByIdentity
            from python_docker.signing.keyless import trusted_root

            check_libraries("sigstore")
            root = trusted_root(self.trusted_root)
            return [ByIdentity(self.certificate_identity, self.certificate_oidc_issuer or "", root)]
        if not self.key:
            return []
        check_libraries("cryptography")
        from python_docker.signing.expected import ByKey

        return [ByKey(read_public_key(path), f"the key {shown_key(path)}") for path in dict.fromkeys(self.key)]


EXPECTED = Together("signers", _OPTIONS, Signers)
