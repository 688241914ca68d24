"""Of all that claims to sign an image, what does."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from python_docker.copying.copy import put_image
from python_docker.copying.referrer import Referrer, put_referrer
from python_docker.image.image import Image
from python_docker.registry.options import RegistryOptions
from python_docker.signing.bundle import BUNDLE_TYPE, sign_statement, verify_bundle
from python_docker.signing.keys import SigningKey, read_signing_key
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.signing.tagged import open_tagged, write_tagged
from python_docker.signing.verify import SignatureReport, verify_signatures
from python_docker.spec.documents import Manifest
from python_docker.transports import Location, destination, open_source
from tests.peers import Registry
from tests.python_docker.signing.keys import ecdsa_key, pem


def new_key() -> SigningKey:
    return read_signing_key(pem(ecdsa_key()), lambda: b"")


KEY, OTHER = new_key(), new_key()


def verified(place: Location, key: SigningKey, registry: RegistryOptions | None = None) -> SignatureReport:
    source = open_source(place, registry=registry)
    digest = source.root().digest
    check = partial(verify_bundle, key=key.public)
    tagged = open_tagged(place, digest, registry)
    try:
        return verify_signatures(source, digest, check, key=key.public, tagged=tagged)
    finally:
        source.close()
        if tagged is not None:
            tagged.close()


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


def test_signatures_under_the_older_tag_are_kept(registry: Registry, repository: str) -> None:
    options = RegistryOptions(insecure=True)
    place = Location.parse(f"docker://{registry.host}/{repository}:1")
    image = Image("demo", "1")
    image.add_layer_contents({"file": b"1"})
    with destination(place, registry=options) as target:
        manifest = put_image(image, target)
    assert not verified(place, KEY, options).ok
    for key in (KEY, OTHER, KEY):
        write_tagged(place, manifest.digest, key, options)
    for key in (KEY, OTHER):
        report = verified(place, key, options)
        assert [one.form for one in report.signatures] == ["tag"]
        assert len(report.refused) == 1


def test_the_older_tag_is_for_registries_alone(tmp_path: Path) -> None:
    place, manifest = write(tmp_path)
    assert open_tagged(place, manifest.digest) is None
    write_tagged(place, manifest.digest, KEY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("name", ["image", "ghcr.io/org/app"])
def test_statements_are_what_sigstores_library_takes(name: str, tmp_path: Path) -> None:
    from sigstore.dsse import Statement

    Statement(statement(write(tmp_path)[1].digest, SIGNATURE, {}, name))
