"""What cosign keeps under tags made of an image's digest goes where the image goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from python_docker.copying.attached import find_tagged, joined_payloads, payloads_image
from python_docker.copying.copy import Conversion, copy_image, put_image
from python_docker.copying.referrer import Referrer, put_referrer
from python_docker.copying.transfer import put_blobs
from python_docker.errors import NotFound
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import digest_tag, referrers_tag
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_INDEX, ImageFormat
from python_docker.transports import destination, open_source
from python_docker.transports.medium import Destination
from python_docker.validation import validate_source
from tests.peers import Registry
from tests.python_docker.layouts import edit_index
from tests.python_docker.layouts import put as put_in_layout

OPTIONS = RegistryOptions(insecure=True)
PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
PLACES = ["layout", "archive", "registry"]


@pytest.fixture
def places(tmp_path: Path, registry: Registry, repository: str) -> dict[str, str]:
    """Return a place of each kind, which lacks the name of an image at its end."""
    return {
        "layout": f"oci:{tmp_path}/layout:",
        "archive": f"oci-archive:{tmp_path}/archive.tar:",
        "registry": f"docker://{registry.host}/{repository}:",
    }


@pytest.fixture
def other(places: dict[str, str]) -> dict[str, str]:
    """Return another place of each kind."""
    return {
        "layout": places["layout"].replace("/layout:", "/other:"),
        "archive": places["archive"].replace("/archive.tar:", "/other.tar:"),
        "registry": f"{places['registry'].removesuffix(':')}/other:",
    }


def options(place: str) -> RegistryOptions | None:
    return OPTIONS if place.startswith("docker:") else None


def payload(about: Digest, signature: str = "c2lnbmVk") -> Blob:
    """Return what cosign signs for an image; the signature need not be valid to be copied."""
    kind = "cosign container image signature"
    text = f'{{"critical":{{"type":"{kind}","image":{{"docker-manifest-digest":"{about}"}}}},"by":"{signature}"}}'
    return Blob.from_bytes(text.encode(), PAYLOAD)


def put(target: Destination, tag: str, *blobs: Blob) -> Manifest:
    manifest, config = payloads_image([blob.descriptor for blob in blobs])
    put_blobs([*blobs, config], target)
    target.put_tagged(manifest, tag)  # type: ignore[attr-defined]
    return manifest


def image(content: bytes = b"1") -> Image:
    found = Image("demo", "1")
    found.add_layer_contents({"file": content})
    return found


def write(place: str, about: Digest | None = None) -> Digest:
    """Write an image with signatures, attestations and a bill of materials under digest tags."""
    with destination(place, registry=options(place)) as target:
        digest = put_image(image(), target).digest
        put(target, digest_tag(digest, "sig"), payload(about or digest))
        put(target, digest_tag(digest, "att"), Blob.from_bytes(b"{}", "application/vnd.dsse.envelope.v1+json"))
        bill = put(target, digest_tag(digest, "sbom"), Blob.from_bytes(b"{}", "text/spdx+json"))
        put(target, digest_tag(bill.digest, "sig"), payload(bill.digest))
    return digest


def tags(place: str, *digests: Digest) -> dict[str, int]:
    """Return how many payloads there are under the tags of images."""
    source = open_source(place, registry=options(place))
    try:
        return {tag: len(manifest.layers) for _, tag, manifest in find_tagged(source, digests)}
    finally:
        source.close()


def problems(place: str) -> list[str]:
    source = open_source(place, registry=options(place))
    try:
        return [problem.message for problem in validate_source(source).problems if "mediaType" not in problem.message]
    finally:
        source.close()


def copy(source: str, target: str, **changes: object) -> None:
    registries = {"source_registry": options(source), "destination_registry": options(target)}
    copy_image(source, target, **registries, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("target_kind", PLACES)
@pytest.mark.parametrize("source_kind", PLACES)
def test_everything_arrives(source_kind: str, target_kind: str, places: dict[str, str], other: dict[str, str]) -> None:
    source, target = f"{places[source_kind]}from", f"{other[target_kind]}to"
    digest = write(source)
    copy(source, target)
    found = tags(target, digest)
    assert found == {digest_tag(digest, suffix): 1 for suffix in ("sig", "att", "sbom")}
    bill = next(manifest for _, tag, manifest in _tagged(target, digest) if tag.endswith("sbom"))
    assert tags(target, bill.digest) == {digest_tag(bill.digest, "sig"): 1}
    assert problems(target) == []


def _tagged(place: str, digest: Digest) -> list[tuple[Digest, str, Manifest]]:
    source = open_source(place, registry=options(place))
    try:
        return find_tagged(source, [digest])
    finally:
        source.close()


def test_images_keep_their_names_in_a_layout(places: dict[str, str], tmp_path: Path) -> None:
    digest = write(f"{places['layout']}from")
    folder = places["layout"].removesuffix(":")
    # The one image is found without a name, and what belongs to it by its own.
    assert open_source(folder).root().digest == digest
    assert open_source(f"{folder}:{digest_tag(digest, 'sig')}").root().digest != digest
    with pytest.raises(NotFound, match="has no image"):
        open_source(f"{folder}:{digest_tag(Digest.of(b''), 'sig')}").root()


def test_signatures_alone_are_read_too(places: dict[str, str], tmp_path: Path) -> None:
    digest = write(f"{places['registry']}from")
    signature = f"{places['registry']}{digest_tag(digest, 'sig')}"
    copy(signature, f"oci:{tmp_path}/alone")
    assert open_source(f"oci:{tmp_path}/alone").root().digest == open_source(signature, registry=OPTIONS).root().digest


@pytest.mark.parametrize("kind", ["layout", "registry"])
def test_signatures_join_those_that_are_there(kind: str, places: dict[str, str], tmp_path: Path) -> None:
    digest = write(f"oci-archive:{tmp_path}/from.tar:1")
    target = f"{places[kind]}to"
    with destination(target, registry=options(target)) as there:
        put_image(image(), there)
        put(there, digest_tag(digest, "sig"), payload(digest, "b3RoZXI="))
    for _ in range(2):
        copy(f"oci-archive:{tmp_path}/from.tar:1", target)
    assert tags(target, digest)[digest_tag(digest, "sig")] == 2
    assert problems(target) == []


def test_nothing_else_goes_where_it_is_not_wanted(places: dict[str, str], tmp_path: Path) -> None:
    digest = write(f"{places['registry']}from")
    copy(f"{places['registry']}from", f"oci:{tmp_path}/to:1", referrers=False)
    assert tags(f"oci:{tmp_path}/to:1", digest) == {}


def test_a_changed_image_has_no_signatures(places: dict[str, str], tmp_path: Path) -> None:
    digest = write(f"{places['layout']}from")
    copy(f"{places['layout']}from", f"{places['registry']}to", conversion=Conversion(format=ImageFormat.DOCKER))
    assert tags(f"{places['registry']}to", digest) == {}


def test_what_regclient_attaches_in_a_layout(tmp_path: Path) -> None:
    """It keeps a list under the subject's tag, as registries without referrers do."""
    place = f"oci:{tmp_path}/layout:1"
    with destination(place) as target:
        manifest = put_image(image(), target)
        bill = put_referrer(Referrer("application/spdx+json", b"{}"), manifest, target)

    def list_by_tag(index: dict[str, Any]) -> None:
        [first, entry] = index["manifests"]
        listed = Index.build({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
        named = put_in_layout(tmp_path / "layout", listed.raw, OCI_INDEX)
        named["annotations"] = {"org.opencontainers.image.ref.name": referrers_tag(manifest.digest)}
        index["manifests"] = [first, named]

    edit_index(tmp_path / "layout", list_by_tag)
    source = open_source(f"oci:{tmp_path}/layout")
    assert source.root().digest == manifest.digest
    assert [entry.digest for entry in source.referrers(manifest.digest)] == [bill.digest]  # type: ignore[attr-defined]
    copy(place, f"oci:{tmp_path}/copy:1")
    copied = open_source(f"oci:{tmp_path}/copy:1")
    assert [entry.digest for entry in copied.referrers(manifest.digest)] == [bill.digest]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", PLACES)
def test_a_signature_of_another_image_is_a_problem(kind: str, places: dict[str, str]) -> None:
    place = f"{places[kind]}from"
    write(place, about=Digest.of(b"another"))
    assert any("it is about sha256:" in message for message in problems(place))


def test_what_is_joined() -> None:
    first, second = (payloads_image([payload(Digest.of(name)).descriptor])[0] for name in (b"1", b"2"))
    both, config = joined_payloads("x.sig", first, second)
    assert [layer.digest for layer in both.layers] == [first.layers[0].digest, second.layers[0].digest]
    assert config is not None
    assert joined_payloads("x.sig", None, second) == (second, None)
    assert joined_payloads("x.sig", both, second) == (both, None)
    assert joined_payloads("x.sig", first, both) == (both, None)
    assert joined_payloads("x.sbom", first, second) == (second, None)
