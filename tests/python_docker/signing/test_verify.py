"""Of all that claims to sign an image, what does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from python_docker.copying.attached import payloads_image
from python_docker.copying.copy import put_image
from python_docker.copying.referrer import Referrer, put_referrer
from python_docker.copying.transfer import put_blobs
from python_docker.errors import UnsupportedFormat
from python_docker.image.blob import Blob
from python_docker.image.image import Image
from python_docker.registry.access.options import RegistryOptions
from python_docker.signing.bundle import BUNDLE_TYPE, ENVELOPE, sign_statement
from python_docker.signing.expected import ByKey
from python_docker.signing.keys import SigningKey, read_signing_key
from python_docker.signing.signer import KeySigner
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.signing.tagged import put_tagged_signatures
from python_docker.signing.verify import SignatureReport, verify_signatures
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import digest_tag
from python_docker.spec.documents.manifest import Manifest
from python_docker.transports import Location, destination, open_source
from python_docker.transports.opening import open_destination
from tests.peers import Registry
from tests.python_docker.signing.keys import ecdsa_key, pem


def new_key() -> SigningKey:
    return read_signing_key(pem(ecdsa_key()), lambda: b"")


KEY, OTHER = new_key(), new_key()


def verified(place: Location, key: SigningKey, registry: RegistryOptions | None = None) -> SignatureReport:
    source = open_source(place, registry=registry)
    digest = source.root().digest
    try:
        return verify_signatures(source, digest, ByKey(key.public))
    finally:
        source.close()


def write(tmp_path: Path, *bundles: bytes) -> tuple[Location, Manifest]:
    place = Location.parse(f"oci:{tmp_path}/out:1")
    image = Image("demo", "1")
    image.add_layer_contents({"file": b"1"})
    with destination(place) as target:
        manifest = put_image(image, target)
        for bundle in bundles:
            put_referrer(Referrer(BUNDLE_TYPE, bundle), manifest, target)
    return place, manifest


def test_what_is_not_valid_keeps_nothing_else_from_counting(tmp_path: Path) -> None:
    _, manifest = write(tmp_path / "first")
    signed = sign_statement(statement(manifest.digest, SIGNATURE, {}), KEY)
    forged = sign_statement(statement(manifest.digest, SIGNATURE, {}), OTHER)
    place, _ = write(tmp_path, forged, b"not a bundle", signed)
    report = verified(place, KEY)
    assert report.ok
    assert sorted(reason.partition(": ")[2] for reason in report.refused) == [
        "another key signed it",
        "it is not a Sigstore bundle",
    ]


def test_a_statement_about_an_image_does_not_stand_behind_it(tmp_path: Path) -> None:
    _, manifest = write(tmp_path / "first")
    place, _ = write(tmp_path, sign_statement(statement(manifest.digest, "https://example.com/scan", {}), KEY))
    report = verified(place, KEY)
    assert [one.predicate_type for one in report.signatures] == ["https://example.com/scan"]
    assert not report.ok


def test_nothing_attached(tmp_path: Path) -> None:
    assert verified(write(tmp_path)[0], KEY) == SignatureReport((), ())


@pytest.mark.parametrize("kind", ["registry", "layout"])
def test_signatures_under_the_older_tag_are_kept(
    kind: str, registry: Registry, repository: str, tmp_path: Path
) -> None:
    at = {"registry": f"docker://{registry.host}/{repository}:1", "layout": f"oci:{tmp_path}/out:1"}
    options, place = RegistryOptions(insecure=True) if kind == "registry" else None, Location.parse(at[kind])
    image = Image("demo", "1")
    image.add_layer_contents({"file": b"1"})
    with destination(place, registry=options) as target:
        manifest = put_image(image, target)
    assert not verified(place, KEY, options).ok
    for key in (KEY, OTHER, KEY):
        with destination(place, registry=options) as target:
            put_tagged_signatures([manifest.digest], repository, KeySigner(key).sign_payload, target)
    for key in (KEY, OTHER):
        report = verified(place, key, options)
        assert [one.form for one in report.signatures] == ["tag"]
        assert len(report.refused) == 1
    assert open_source(place, registry=options).root().digest == manifest.digest


def test_no_signatures_under_a_tag_in_an_archive_of_docker(tmp_path: Path) -> None:
    opened = open_destination(f"docker-archive:{tmp_path}/out.tar:a:1")
    with pytest.raises(UnsupportedFormat, match="cannot be kept under tags"):
        put_tagged_signatures([Digest.of(b"1")], "a", KeySigner(KEY).sign_payload, opened)
    opened.abort()


def test_attestations_under_the_older_tag(tmp_path: Path) -> None:
    """As `cosign attest` of cosign 2 leaves them: a signed envelope for each, without a bundle around it."""
    place, manifest = write(tmp_path)
    about = [statement(digest, "https://example.com/scan", {}) for digest in (manifest.digest, Digest.of(b"other"))]
    envelopes = [
        json.dumps(json.loads(sign_statement(content, key))["dsseEnvelope"]).encode()
        for content, key in ((about[0], KEY), (about[1], KEY), (about[0], OTHER))
    ]
    layers = [Blob.from_bytes(content, ENVELOPE) for content in (*envelopes, b"[]", b"{")]
    with destination(place) as target:
        signed, config = payloads_image([layer.descriptor for layer in layers])
        put_blobs([*layers, config], target)
        target.put_tagged(signed, digest_tag(manifest.digest, "att"))  # type: ignore[attr-defined]
    report = verified(place, KEY)
    assert [(one.form, one.predicate_type) for one in report.signatures] == [("tag", "https://example.com/scan")]
    assert [reason.partition(": ")[2] for reason in report.refused] == [
        "it is about another image",
        "another key signed it",
        "it does not hold one signed statement",
        "it is not a signed envelope",
    ]


@pytest.mark.parametrize("name", ["image", "ghcr.io/org/app"])
def test_statements_are_what_sigstores_library_takes(name: str, tmp_path: Path) -> None:
    from sigstore.dsse import Statement

    Statement(statement(write(tmp_path)[1].digest, SIGNATURE, {}, name))
