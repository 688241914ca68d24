"""What is attached to an image goes where the image goes, between all places that hold such documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from python_docker.copying.copy import Conversion, copy_image, put_image
from python_docker.copying.referrer import Referrer, put_referrer, read_referrers
from python_docker.errors import UnsupportedFormat
from python_docker.image import Image
from python_docker.parallel import in_parallel
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.transports import destination, open_source
from python_docker.validation import validate_source
from tests.peers import Program, Registry
from tests.python_docker.registry.stub_registry import StubRegistry

BILL, SIGNATURE = "application/vnd.example.bill+json", "application/vnd.example.signature"
OPTIONS = RegistryOptions(insecure=True)
Place = Callable[[str], str]
PLACES = ["layout", "archive", "registry", "registry that knows referrers"]


@pytest.fixture
def stub() -> Iterator[StubRegistry]:
    stub = StubRegistry()
    stub.knows_referrers = True
    yield stub
    stub.stop()


@pytest.fixture
def place_of(tmp_path: Path, registry: Registry, repository: str, stub: StubRegistry) -> Callable[[str, str], str]:
    """Return a function that gives a place of a kind for a name."""

    def place(kind: str, name: str) -> str:
        return {
            "layout": f"oci:{tmp_path}/{name}:1",
            "archive": f"oci-archive:{tmp_path}/{name}.tar:1",
            "registry": f"docker://{registry.host}/{repository}/{name}:1",
            "registry that knows referrers": f"docker://{stub.host}/{name}:1",
        }[kind]

    return place


def write(place: str, *contents: bytes) -> Manifest:
    """Write an image with a bill of materials for each of `contents`, and a signature on the first."""
    image = Image("demo", "1")
    image.add_layer_contents({"file": b"1"})
    with destination(place, registry=OPTIONS if place.startswith("docker:") else None) as target:
        manifest = put_image(image, target)
        bills = [put_referrer(Referrer(BILL, content), manifest, target) for content in contents]
        put_referrer(Referrer(SIGNATURE, b"signed"), bills[0], target)
    return manifest


def attached(place: str, manifest: Manifest) -> dict[bytes, list[bytes]]:
    """Return the bills of an image with the signatures on each."""
    source = open_source(place, registry=OPTIONS if place.startswith("docker:") else None)
    found: dict[bytes, list[bytes]] = {}
    try:
        for entry in source.referrers(manifest.digest):  # type: ignore[attr-defined]
            artifact = source.child(entry)
            assert isinstance(artifact, Manifest)
            bill = source.blob(artifact.layers[0]).read()
            found[bill] = list(read_referrers(source, artifact.digest, SIGNATURE))
        assert validate_source(source).problems == ()
    finally:
        source.close()
    return found


def copied(source: str, target: str, **changes: object) -> Manifest | Index:
    registries = {
        f"{end}_registry": OPTIONS if place.startswith("docker:") else None
        for end, place in (("source", source), ("destination", target))
    }
    return copy_image(source, target, **registries, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", PLACES)
@pytest.mark.parametrize("source", PLACES)
def test_everything_arrives(source: str, target: str, place_of: Callable[[str, str], str]) -> None:
    manifest = write(place_of(source, "from"), b"1", b"2")
    copied(place_of(source, "from"), place_of(target, "to"))
    assert attached(place_of(target, "to"), manifest) == {b"1": [b"signed"], b"2": []}


def test_nothing_else_goes_where_it_is_not_wanted(place_of: Callable[[str, str], str]) -> None:
    manifest = write(place_of("layout", "from"), b"1")
    copied(place_of("layout", "from"), place_of("layout", "to"), referrers=False)
    assert attached(place_of("layout", "to"), manifest) == {}


def test_a_changed_image_has_nothing_attached(place_of: Callable[[str, str], str]) -> None:
    manifest = write(place_of("layout", "from"), b"1")
    conversion = Conversion(format=ImageFormat.DOCKER)
    written = copied(place_of("layout", "from"), place_of("registry", "to"), conversion=conversion)
    assert isinstance(written, Manifest)
    assert attached(place_of("registry", "to"), written) == {}
    with pytest.raises(UnsupportedFormat, match=f"{manifest.digest} is changed on the way"):
        copied(place_of("layout", "from"), place_of("registry", "no"), conversion=conversion, referrers=True)


def test_a_place_that_holds_images_alone(place_of: Callable[[str, str], str], tmp_path: Path) -> None:
    write(place_of("layout", "from"), b"1")
    place = f"docker-archive:{tmp_path}/to.tar"
    copied(place_of("layout", "from"), place)
    with pytest.raises(UnsupportedFormat, match="DST holds nothing but images"):
        copied(place_of("layout", "from"), place, referrers=True)


def test_what_is_attached_to_the_images_of_an_index(place_of: Callable[[str, str], str]) -> None:
    image = Image("demo", "1")
    image.add_layer_contents({"file": b"1"})
    with destination(place_of("layout", "from")) as target:
        manifest = put_image(image, target, root=False)
        put_referrer(Referrer(BILL, b"1"), manifest, target)
        index = Index.new(ImageFormat.OCI, [manifest.descriptor])
        target.put_manifest(index, root=True)
        put_referrer(Referrer(SIGNATURE, b"signed"), manifest, target)
    copied(place_of("layout", "from"), place_of("registry", "to"), all_platforms=True)
    assert attached(place_of("registry", "to"), manifest) == {b"1": [], b"signed": []}


def test_two_copies_at_once_lose_nothing(place_of: Callable[[str, str], str]) -> None:
    """To a registry that lists them by a tag, each with documents of its own."""
    manifest = write(place_of("layout", "first"), b"1", b"2")
    write(place_of("layout", "second"), b"3", b"4")
    target = place_of("registry", "to")
    in_parallel([partial(copied, place_of("layout", name), target) for name in ("first", "second")], 2)
    assert attached(target, manifest).keys() == {b"1", b"2", b"3", b"4"}


def test_an_artifact_that_is_attached_to_something_else(place_of: Callable[[str, str], str], tmp_path: Path) -> None:
    """A layout's index.json names the type of what it lists; that may be wrong."""
    manifest = write(place_of("layout", "from"), b"1")
    index = tmp_path / "from" / "index.json"
    value = json.loads(index.read_text())
    for entry in value["manifests"]:
        if entry.get("artifactType") == BILL:
            entry["artifactType"] = "text/plain"
    index.write_text(json.dumps(value))
    source = open_source(place_of("layout", "from"))
    problems = [problem.message for problem in validate_source(source).problems]
    assert any(f"it is listed as text/plain, and is {BILL}" in problem for problem in problems), problems
    assert manifest


def test_a_damaged_document(place_of: Callable[[str, str], str], tmp_path: Path) -> None:
    write(place_of("layout", "from"), b"a bill")
    [blob] = [path for path in (tmp_path / "from/blobs/sha256").iterdir() if path.read_bytes() == b"a bill"]
    blob.write_bytes(b"a lily")
    assert not validate_source(open_source(place_of("layout", "from"))).ok


def test_skopeo_copies_an_image_with_something_attached(
    place_of: Callable[[str, str], str], skopeo: Program, tmp_path: Path
) -> None:
    manifest = write(place_of("layout", "from"), b"1")
    copied(place_of("layout", "from"), place_of("registry", "to"))
    skopeo("copy", place_of("registry", "to"), f"oci:{tmp_path}/by-skopeo:1")
    source = open_source(f"oci:{tmp_path}/by-skopeo:1")
    assert source.root().digest == manifest.digest
