"""Keyless signatures: by an identity that a CI system vouches for, through Sigstore's services.

The library `sigstore` does it all: a certificate for the identity, a short-lived key, an entry in the transparency log,
and the verification of these. What it needs of the network is Sigstore's; nothing else is sent than the certificate
request and the log's entry, which are public.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from python_docker.errors import InvalidSignature, SigningFailed
from python_docker.signing.bundle import Statement, parse_statement

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot

_MISSING = "signing and verifying by identity needs a library: `pip install 'conda-docker[sigstore]'`"


def ambient_token() -> str:
    """Return the identity token that a CI system offers its jobs. Raises `SigningFailed` where there is none."""
    try:
        from sigstore.oidc import IdentityError, detect_credential
    except ImportError:
        raise SigningFailed(_MISSING) from None
    try:
        token = detect_credential()
    except IdentityError:
        # Its message may hold what the CI system answered.
        raise SigningFailed(
            "this CI job cannot get an identity token; on GitHub Actions it needs `permissions: id-token: write`"
        ) from None
    if token is None:
        raise SigningFailed(
            "there is no identity to sign with: that takes a CI system that gives its jobs identity tokens, such as "
            "GitHub Actions or GitLab; elsewhere use --sign-key"
        )
    return token


def sign_statement_as(content: bytes, token: str, trust: ClientTrustConfig | None = None) -> bytes:
    """Return a bundle with a statement that is signed by the identity of a token.

    `trust` says which Sigstore is asked (None: the public one). Raises `SigningFailed`; never with the token in it.
    """
    try:
        from sigstore.dsse import Statement as Signable
        from sigstore.errors import Error as SigstoreError
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import ExpiredIdentity, IdentityError, IdentityToken
        from sigstore.sign import SigningContext
    except ImportError:
        raise SigningFailed(_MISSING) from None
    try:
        context = SigningContext.from_trust_config(trust or ClientTrustConfig.production())
        with context.signer(IdentityToken(token)) as signer:
            return signer.sign_dsse(Signable(content)).to_json().encode()
    except (IdentityError, ExpiredIdentity):
        raise SigningFailed("the identity token cannot be used: it is malformed or has expired") from None
    except (SigstoreError, OSError) as error:
        raise SigningFailed(f"Sigstore did not sign: {type(error).__name__}") from None


def trusted_root(path: Path | None = None) -> TrustedRoot:
    """Return whom to trust: what a file (`trusted_root.json`) says, else what Sigstore's public repository says now.

    Raises `InvalidSignature` for a file that is not such, and where the repository cannot be reached.
    """
    try:
        from sigstore.errors import Error as SigstoreError
        from sigstore.models import ClientTrustConfig, TrustedRoot
    except ImportError:
        raise InvalidSignature(_MISSING) from None
    try:
        return ClientTrustConfig.production().trusted_root if path is None else TrustedRoot.from_file(str(path))
    except (SigstoreError, OSError, ValueError, KeyError, TypeError) as error:
        where = "Sigstore's repository of trust" if path is None else f"the file {path}"
        raise InvalidSignature(f"{where} cannot be read: {type(error).__name__}") from None


def verify_bundle_of(content: bytes, identity: str, issuer: str, root: TrustedRoot) -> Statement:
    """Return the statement in a bundle that an identity signed, such as a mail address or a workflow's URL.

    `issuer` is who vouches for the identity. Raises `InvalidSignature` with what is not as it should be.
    """
    from sigstore.errors import Error as SigstoreError
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    try:
        bundle = Bundle.from_json(content)
        kind, payload = Verifier(trusted_root=root).verify_dsse(bundle, Identity(identity=identity, issuer=issuer))
    except (SigstoreError, ValueError, KeyError, TypeError) as error:
        raise InvalidSignature(f"it is not by {identity}: {error}") from None
    return parse_statement(kind, payload)
