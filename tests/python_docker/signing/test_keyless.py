"""Signatures by identity: verification on a published bundle, and signing up to where Sigstore's services are asked.

`workflow.sigstore.json` is a test vector of sigstore-python (a.dsse.staging-rekor-v2.txt.sigstore.json), signed in a
workflow of Sigstore's conformance tests; whom to trust for it is part of the installed library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sigstore
from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from python_docker.errors import InvalidSignature, SigningFailed
from python_docker.signing.bundle import has_certificate, is_about
from python_docker.signing.keyless import ambient_token, sign_statement_as, trusted_root, verify_bundle_of
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.spec.digest import Digest

BUNDLE = Path(__file__).with_name("workflow.sigstore.json").read_bytes()
WORKFLOW = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon"
    "/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"


@pytest.fixture(scope="module")
def root() -> TrustedRoot:
    [path] = Path(sigstore.__file__).parent.rglob("*sigstage*/trusted_root.json")
    return trusted_root(path)


def test_a_bundle_by_a_workflow(root: TrustedRoot) -> None:
    found = verify_bundle_of(BUNDLE, WORKFLOW, ISSUER, root)
    assert found.predicate_type == "https://slsa.dev/provenance/v1"
    assert is_about(found, Digest("sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf"))
    assert has_certificate(BUNDLE)


@pytest.mark.parametrize(
    ("identity", "issuer", "content"),
    [
        (WORKFLOW + "s", ISSUER, BUNDLE),
        (WORKFLOW, "https://example.com", BUNDLE),
        (WORKFLOW, ISSUER, BUNDLE.replace(b"eyJfdHlwZSI6", b"eyJfdHlwZSJ6")),
        (WORKFLOW, ISSUER, b"{}"),
        (WORKFLOW, ISSUER, b"not JSON"),
    ],
)
def test_by_somebody_else_or_of_something_else(identity: str, issuer: str, content: bytes, root: TrustedRoot) -> None:
    with pytest.raises(InvalidSignature):
        verify_bundle_of(content, identity, issuer, root)


def test_nobody_is_trusted_by_what_is_no_file_of_trust(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("{}")
    for name in ("root.json", "missing.json"):
        with pytest.raises(InvalidSignature, match=f"the file .*{name} cannot be read"):
            trusted_root(tmp_path / name)


def test_no_ci_system_gives_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SigningFailed, match="use --sign-key"):
        ambient_token()


def test_a_token_that_cannot_be_used_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SigningContext, "from_trust_config", classmethod(lambda cls, trust: Signing()))
    with pytest.raises(SigningFailed, match="malformed or has expired") as caught:
        sign_statement_as(b"{}", "secret-token", trust())
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_the_services_sign_is_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    content, signing = statement(Digest.of(b"1"), SIGNATURE, {}), Signing()
    monkeypatch.setattr(SigningContext, "from_trust_config", classmethod(lambda cls, trust: signing))
    monkeypatch.setattr(IdentityToken, "__init__", lambda self, token: None)
    made = sign_statement_as(content, "token", trust())
    assert signing.signed == [content]
    assert Bundle.from_json(made).to_json() == Bundle.from_json(BUNDLE).to_json()


def trust() -> ClientTrustConfig:
    """Return a configuration that nothing is asked of here."""
    return SimpleNamespace()  # type: ignore[return-value]


class Signing:
    """Sigstore's services, which cannot be reached here: they answer every statement with the published bundle."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []

    @contextmanager
    def signer(self, token: Any) -> Iterator[Signing]:
        yield self

    def sign_dsse(self, signable: Any) -> Bundle:
        self.signed.append(signable._contents)
        return Bundle.from_json(BUNDLE)
