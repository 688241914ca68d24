"""Options on who should have signed: a key, or an identity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conda_docker.cli.options.attest import KeyFile, check_libraries, read_public_key, shown_key
from conda_docker.cli.parameters import Option

if TYPE_CHECKING:
    from python_docker.signing.expected import Expected

SIGNERS = "Signatures"
EXPECTED = (
    Option(
        "--key",
        metavar="FILE",
        type=KeyFile(),
        multiple=True,
        panel=SIGNERS,
        help="Whose signature counts: that of this public key (PEM; env://NAME in a variable), by conda-docker or by "
        "cosign; given more than once, any of them.",
    ),
    Option(
        "--certificate-identity",
        metavar="NAME",
        panel=SIGNERS,
        help="Whose signature counts, by Sigstore: a mail address, or the URL of a CI workflow.",
    ),
    Option(
        "--certificate-oidc-issuer",
        metavar="URL",
        panel=SIGNERS,
        help="Who vouches for that identity.",
    ),
    Option(
        "--trusted-root",
        metavar="FILE",
        type=click.Path(path_type=Path),
        panel=SIGNERS,
        help="Whom to trust to certify identities: a trusted_root.json, or what `build --trust-config` takes [default: "
        "Sigstore's public service, which is asked]",
    ),
)


def check_expected(keys: Sequence[Path], identity: str | None, issuer: str | None, trusted_root: Path | None) -> None:
    """Raise a usage error for options on who should have signed that do not go together."""
    if keys and identity is not None:
        raise click.UsageError("--key and --certificate-identity exclude each other")
    if (identity is None) != (issuer is None):
        raise click.UsageError("--certificate-identity and --certificate-oidc-issuer need each other")
    if trusted_root is not None and identity is None:
        raise click.UsageError("--trusted-root needs --certificate-identity")


def expected_signers(
    keys: Sequence[Path], identity: str | None, issuer: str | None, trusted_root: Path | None
) -> list[Expected]:
    """Return by whom something should be signed: any of some keys, or an identity. Empty when neither is given.

    Raises `InvalidKey`, `NotFound` and `InvalidDocument` for files that do not say so, and `ConnectionFailed` where
    Sigstore's public repository of trust is needed and cannot be read.
    """
    if identity is not None:
        from python_docker.signing.expected import ByIdentity
        from python_docker.signing.keyless import trusted_root as read_root

        check_libraries("sigstore")
        return [ByIdentity(identity, issuer or "", read_root(trusted_root))]
    if not keys:
        return []
    check_libraries("cryptography")
    from python_docker.signing.expected import ByKey

    return [ByKey(read_public_key(path), f"the key {shown_key(path)}") for path in dict.fromkeys(keys)]
