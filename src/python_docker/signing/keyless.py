"""Keyless signatures: by an identity that a CI system vouches for, through Sigstore's services.

The library `sigstore` does it all: a certificate for the identity, a short-lived key, an entry in the transparency log,
and the verification of these. What it needs of the network is the services': the public ones, or an organization's own
that a file names. Nothing else is sent than the certificate request and the log's entry, which that log publishes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from python_docker.errors import ConnectionFailed, InvalidDocument, InvalidSignature, NotFound, SigningFailed, reason_of
from python_docker.files.regular import read_regular_file
from python_docker.signing.bundle import Statement, has_certificate, parse_statement
from python_docker.signing.certified import not_by

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore.sign import Signer

TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN"  # noqa: S105 - its name, which cosign knows too
_MISSING = "signing and verifying by identity needs a library: `pip install 'conda-docker[sigstore]'`"
_LARGEST = 16 << 20  # bytes of a file that says whom to trust; Sigstore's own has some thousand
_Made = TypeVar("_Made")
_PROMISING = 1
"""The version of transparency logs that promise to include an entry."""
_SERVES = 300.0
"""For how many seconds a certificate is used, of the ten minutes that Sigstore's are valid."""


def identity_token() -> str:
    """Return the identity token of the environment: in `SIGSTORE_ID_TOKEN`, or what a CI system offers its jobs.

    Raises `SigningFailed` where there is none.
    """
    if token := os.environ.get(TOKEN_VARIABLE, "").strip():
        return token
    try:
        from sigstore.oidc import IdentityError, detect_credential
    except ImportError:
        raise SigningFailed(_MISSING) from None
    try:
        found = detect_credential()
    except IdentityError:
        # Its message may hold what the CI system answered.
        raise SigningFailed(
            "this CI job cannot get an identity token; on GitHub Actions it needs `permissions: id-token: write`"
        ) from None
    if found is None:
        raise SigningFailed(
            "there is no identity to sign with: that takes a CI system that gives its jobs identity tokens, such as "
            f"GitHub Actions or GitLab, or a token in {TOKEN_VARIABLE}; elsewhere sign with a key"
        )
    return found


class IdentitySigner:
    """Signs as the identity of the environment. One certificate serves for many statements, and one for many payloads.

    `trust` says which Sigstore is asked (None: the public one). `token` gives an identity token, and is asked when the
    first statement is signed: tokens of CI jobs live for minutes, and a build may take longer.
    """

    def __init__(self, trust: ClientTrustConfig | None = None, token: Callable[[], str] = identity_token) -> None:
        self._trust = trust
        self._token = token
        self._signers: dict[int | None, tuple[Signer, float]] = {}

    def __call__(self, content: bytes) -> bytes:
        """Return a bundle with a statement, signed. Raises `SigningFailed`; never with the token in it."""
        try:
            from sigstore.dsse import Statement as Signable
        except ImportError:
            raise SigningFailed(_MISSING) from None
        signable = Signable(content)
        return self._with_signer(None, lambda signer: signer.sign_dsse(signable).to_json().encode())

    def sign_payload(self, payload: bytes) -> Mapping[str, str]:
        """Return the annotations with certificate, log entry and signature on a payload (`certified.py`).

        A log that gives promises is asked, whichever one bundles are made with. Raises `SigningFailed`.
        """
        from python_docker.signing.certified import annotations_of

        def sign(signer: Signer) -> Mapping[str, str]:
            issuers = self._services(_PROMISING).trusted_root.get_fulcio_certs()
            return annotations_of(signer.sign_artifact(payload).to_json(), issuers)

        return self._with_signer(_PROMISING, sign)

    def _with_signer(self, log_version: int | None, sign: Callable[[Signer], _Made]) -> _Made:
        """Return what a signer makes: one that was used before, or else a new one with a certificate of its own."""
        signer, since = self._signers.get(log_version, (None, 0.0))
        if signer is not None and time.monotonic() - since < _SERVES:
            with suppress(Exception):  # its certificate may live for less; a new one shows what else it is
                return sign(signer)
        token = self._token()
        try:
            signer = _new_signer(token, self._services(log_version))
            self._signers[log_version] = signer, time.monotonic()
            return sign(signer)
        except SigningFailed:
            raise
        except ImportError:
            raise SigningFailed(_MISSING) from None
        except Exception as error:  # the library has no root for what its clients raise, and passes on what they read
            raise SigningFailed(_reason(error, token)) from None

    def _services(self, log_version: int | None) -> ClientTrustConfig:
        """Return what is to be asked, with a log of this version (None: the newest)."""
        from sigstore.models import ClientTrustConfig

        if self._trust is None:
            self._trust = ClientTrustConfig.production()
        services = copy(self._trust)
        services.force_tlog_version = log_version
        return services


def _new_signer(token: str, services: ClientTrustConfig) -> Signer:
    from sigstore.oidc import ExpiredIdentity, IdentityError, IdentityToken
    from sigstore.sign import SigningContext

    try:
        identity = IdentityToken(token)
        context = SigningContext.from_trust_config(services)
        # It holds nothing that must be closed.
        with context.signer(identity) as signer:
            return signer
    except (IdentityError, ExpiredIdentity):
        raise SigningFailed("the identity token cannot be used: it is malformed or has expired") from None


def _reason(error: Exception, token: str) -> str:
    """Return what kept Sigstore from signing, without the token, which an answer may repeat."""
    said = next((text for one in (error, error.__cause__) if one is not None and (text := str(one).strip())), "")
    if token:
        said = said.replace(token, "***")
    return f"Sigstore did not sign: {type(error).__name__}" + (f": {said[:500]}" if said else "")


def read_trust_config(path: Path) -> ClientTrustConfig:
    """Return which Sigstore to ask, as a file says: a client trust configuration (`ClientTrustConfig` in JSON).

    Raises `SigningFailed` for a file that is not such.
    """
    try:
        from sigstore.errors import Error as SigstoreError
        from sigstore.models import ClientTrustConfig
    except ImportError:
        raise SigningFailed(_MISSING) from None
    try:
        found = ClientTrustConfig.from_json(read_regular_file(path, _LARGEST).decode())
        # Both parts are looked at now, rather than after the build.
        found.trusted_root, found.signing_config  # noqa: B018
    except OSError as error:
        raise SigningFailed(f"cannot read {path}: {reason_of(error)}") from None
    except (SigstoreError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SigningFailed(
            f"{path} is not a client trust configuration of Sigstore, with services that are valid now: "
            f"{str(error)[:200] or type(error).__name__}"
        ) from None
    return found


def trusted_root(path: Path | None = None) -> TrustedRoot:
    """Return whom to trust: what a file says, else what Sigstore's public repository says now.

    The file is a `trusted_root.json`, or the configuration that `read_trust_config` reads. Raises `NotFound` and
    `InvalidDocument` for a file that is not there or is neither, `ConnectionFailed` where the repository cannot be
    read, and `SigningFailed` without the library.
    """
    try:
        from sigstore.errors import Error as SigstoreError
        from sigstore.models import ClientTrustConfig, TrustedRoot
    except ImportError:
        raise SigningFailed(_MISSING) from None
    try:
        if path is None:
            return ClientTrustConfig.production().trusted_root
        content = read_regular_file(path, _LARGEST).decode()
        if json.loads(content).get("mediaType") == ClientTrustConfig.ClientTrustConfigType.CONFIG_0_1:
            return ClientTrustConfig.from_json(content).trusted_root
        return TrustedRoot.from_file(str(path))
    except (SigstoreError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if path is None:
            why = "Sigstore's repository of trust cannot be read"
            raise ConnectionFailed(f"{why}: {type(error).__name__}; --trusted-root takes a file instead") from None
        if isinstance(error, FileNotFoundError):
            raise NotFound(f"the file {path} cannot be read: {reason_of(error)}") from None
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise InvalidDocument(f"the file {path} cannot be read as a root of trust: {reason}") from None


def verify_bundle_of(content: bytes, identity: str, issuer: str, root: TrustedRoot) -> Statement:
    """Return the statement in a bundle that an identity signed, such as a mail address or a workflow's URL.

    `issuer` is who vouches for the identity. Raises `InvalidSignature` with what is not as it should be.
    """
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    if not has_certificate(content):
        raise InvalidSignature("a key signed it, and not an identity")
    try:
        bundle = Bundle.from_json(content)
        kind, payload = Verifier(trusted_root=root).verify_dsse(bundle, Identity(identity=identity, issuer=issuer))
    except Exception as error:  # whatever a hostile certificate has the library raise, it does not count
        raise not_by(identity, error) from None
    return parse_statement(kind, payload)
