"""Signatures by identity: verification of a published bundle, and all of it with a Sigstore of one's own.

`workflow.sigstore.json` is a test vector of sigstore-python (a.dsse.staging-rekor-v2.txt.sigstore.json), signed in a
workflow of Sigstore's conformance tests; whom to trust for it is part of the installed library.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest
import sigstore
from sigstore.models import TrustedRoot

from python_docker.errors import InvalidDocument, InvalidSignature, NotFound, SigningFailed
from python_docker.signing.bundle import has_certificate, is_about, sign_statement, verify_bundle
from python_docker.signing.keyless import (
    TOKEN_VARIABLE,
    IdentitySigner,
    identity_token,
    read_trust_config,
    trusted_root,
    verify_bundle_of,
)
from python_docker.signing.keys import read_signing_key
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.spec.digest import Digest
from tests.python_docker.signing.keys import ecdsa_key, pem
from tests.python_docker.signing.private_sigstore import ISSUER as PRIVATE_ISSUER
from tests.python_docker.signing.private_sigstore import PrivateSigstore

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


def test_a_key_is_not_an_identity_nor_the_other_way_round(root: TrustedRoot) -> None:
    key = read_signing_key(pem(ecdsa_key()), lambda: b"")
    with pytest.raises(InvalidSignature, match="a key signed it, and not an identity"):
        verify_bundle_of(sign_statement(CONTENT, key), WORKFLOW, ISSUER, root)
    with pytest.raises(InvalidSignature, match="an identity signed it, and not a key"):
        verify_bundle(BUNDLE, key.public)


def test_nobody_is_trusted_by_what_is_no_file_of_trust(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("{}")
    with pytest.raises(InvalidDocument, match=r"the file .*root\.json cannot be read as a root of trust"):
        trusted_root(tmp_path / "root.json")
    with pytest.raises(NotFound, match=r"the file .*missing\.json cannot be read"):
        trusted_root(tmp_path / "missing.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InvalidDocument, match=r"the file .*pipe\.json cannot be read"):
        trusted_root(tmp_path / "pipe.json")
    with pytest.raises(SigningFailed, match=r"cannot read .*pipe\.json: not a regular file"):
        read_trust_config(tmp_path / "pipe.json")


def test_no_ci_system_gives_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME", TOKEN_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SigningFailed, match="sign with a key"):
        identity_token()
    monkeypatch.setenv(TOKEN_VARIABLE, "token\n")
    assert identity_token() == "token"


@pytest.fixture
def private() -> Iterator[PrivateSigstore]:
    private = PrivateSigstore()
    yield private
    private.stop()


@pytest.fixture
def config(private: PrivateSigstore, tmp_path: Path) -> Path:
    """Return the trust configuration of a Sigstore of one's own."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(private.trust_config()))
    return path


CONTENT = statement(Digest.of(b"1"), SIGNATURE, {})


def signer(config: Path, token: str) -> IdentitySigner:
    return IdentitySigner(read_trust_config(config), lambda: token)


@pytest.mark.parametrize("identity", [WORKFLOW, "someone@example.org"])
def test_signed_and_verified_by_a_sigstore_of_ones_own(
    identity: str, private: PrivateSigstore, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "root.json").write_text(json.dumps(private.trusted_root()))
    sign = signer(config, private.token(identity))
    for name in ("1", "2", "3"):
        digest = Digest.of(name.encode())
        bundle = sign(statement(digest, SIGNATURE, {}))
        for path in (config, tmp_path / "root.json"):
            found = verify_bundle_of(bundle, identity, PRIVATE_ISSUER, trusted_root(path))
            assert is_about(found, digest)
        with pytest.raises(InvalidSignature, match=r"do not match other@example\.org"):
            verify_bundle_of(bundle, "other@example.org", PRIVATE_ISSUER, trusted_root(config))
        with pytest.raises(InvalidSignature, match="does not match"):
            verify_bundle_of(bundle, identity, ISSUER, trusted_root(config))
    assert private.certified == 1


def test_another_sigstore_is_not_trusted(private: PrivateSigstore, config: Path, root: TrustedRoot) -> None:
    bundle = signer(config, private.token("someone@example.org"))(CONTENT)
    with pytest.raises(InvalidSignature, match="failed to build timestamp certificate chain"):
        verify_bundle_of(bundle, "someone@example.org", PRIVATE_ISSUER, root)


def test_a_certificate_that_had_expired_when_it_was_used(private: PrivateSigstore, config: Path) -> None:
    changed = json.loads(signer(config, private.token("someone@example.org"))(CONTENT))
    [entry] = changed["verificationMaterial"]["tlogEntries"]
    entry["integratedTime"] = str(int((datetime.now(UTC) + timedelta(days=1)).timestamp()))
    with pytest.raises(InvalidSignature, match="certificate"):
        verify_bundle_of(json.dumps(changed).encode(), "someone@example.org", PRIVATE_ISSUER, trusted_root(config))


def test_a_new_certificate_when_the_first_has_expired(private: PrivateSigstore, config: Path) -> None:
    private.lifetime = timedelta(seconds=1)
    sign = signer(config, private.token("someone@example.org"))
    with suppress(SigningFailed):  # on a slow machine it has expired by now
        sign(CONTENT)
    private.lifetime = timedelta(minutes=10)
    sleep(1.1)
    verify_bundle_of(sign(CONTENT), "someone@example.org", PRIVATE_ISSUER, trusted_root(config))
    assert private.certified == 2


@pytest.mark.parametrize("token", ["secret-token", "a.b.c", ""])
def test_a_token_that_cannot_be_used_is_not_repeated(token: str, config: Path) -> None:
    with pytest.raises(SigningFailed, match="malformed or has expired") as caught:
        signer(config, token)(CONTENT)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_expired_token(private: PrivateSigstore, config: Path) -> None:
    with pytest.raises(SigningFailed, match="malformed or has expired"):
        signer(config, private.token("someone@example.org", lives=-60))(CONTENT)


def test_a_token_of_somebody_else(private: PrivateSigstore, config: Path) -> None:
    forged = private.token("someone@example.org")[:-4] + "AAAA"
    with pytest.raises(SigningFailed, match=r"Sigstore did not sign: .*401 Client Error"):
        signer(config, forged)(CONTENT)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, "{token}"), (500, "no"), (200, "<html>"), (200, "[]"), (201, "{}"), (201, '{"{token}": 1}')],
)
def test_whatever_the_services_answer(status: int, answer: str, private: PrivateSigstore, config: Path) -> None:
    token = private.token("someone@example.org")
    private.refusal = status, answer.replace("{token}", token).encode()
    with pytest.raises(SigningFailed, match="Sigstore did not sign") as caught:
        signer(config, token)(CONTENT)
    assert token not in str(caught.value)
    assert caught.value.__cause__ is None


def test_services_that_are_not_there(private: PrivateSigstore, config: Path) -> None:
    private.stop()
    token = private.token("someone@example.org")
    with pytest.raises(SigningFailed, match="Sigstore did not sign: ConnectionError"):
        signer(config, token)(CONTENT)


@pytest.mark.parametrize("content", ["", "{}", "[]", "{", '{"mediaType": "x", "trustedRoot": {}}'])
def test_what_is_not_a_trust_configuration(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(SigningFailed, match="not a client trust configuration"):
        read_trust_config(tmp_path / "config.json")
    with pytest.raises(InvalidDocument, match="cannot be read"):
        trusted_root(tmp_path / "config.json")


def test_a_trust_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match="No such file"):
        read_trust_config(tmp_path / "config.json")
