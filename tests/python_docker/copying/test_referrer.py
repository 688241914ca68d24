"""Documents attached to images."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.copying.copy import put_image
from python_docker.copying.referrer import Referrer, put_referrer, read_referrers
from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.spec.documents.manifest import Manifest
from python_docker.transports import destination, open_source

TYPE = "application/vnd.example+json"


def write(place: str, *referrers: Referrer, name: str = "one") -> Manifest:
    image = Image("demo", "1")
    image.add_layer_contents({"file": name.encode()})
    with destination(place) as target:
        manifest = put_image(image, target)
        for referrer in referrers:
            put_referrer(referrer, manifest, target)
    return manifest


def read(place: str, manifest: Manifest, media_type: str = TYPE) -> list[bytes]:
    source = open_source(place)
    try:
        return list(read_referrers(source, manifest.digest, media_type))
    finally:
        source.close()


@pytest.fixture(params=["oci:{}/out:1", "oci-archive:{}/out.tar:1"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.param).format(tmp_path)


def test_the_newest_comes_first(place: str) -> None:
    older, newer = (
        Referrer(TYPE, year.encode(), {"org.opencontainers.image.created": f"{year}-01-01T00:00:00Z"})
        for year in ("2023", "2024")
    )
    manifest = write(place, newer, older, Referrer("text/plain", b"other"))
    assert read(place, manifest) == [b"2024", b"2023"]


def test_of_another_image(place: str) -> None:
    write(place, Referrer(TYPE, b"1"))
    other = Image("other")
    assert read(place, other.manifest) == []


def test_the_image_is_still_the_only_one(place: str) -> None:
    manifest = write(place, Referrer(TYPE, b"1"))
    assert open_source(place.rpartition(":")[0]).root().digest == manifest.digest


def test_an_unnamed_image_is_replaced_and_what_is_attached_stays(tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/out"
    first = write(place, Referrer(TYPE, b"1"))
    second = write(place, Referrer(TYPE, b"2"), name="two")
    assert open_source(place).root().digest == second.digest
    assert [read(place, manifest) for manifest in (first, second)] == [[b"1"], [b"2"]]


def test_a_place_that_holds_images_alone(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="nothing can be attached"):
        write(f"docker-archive:{tmp_path}/out.tar", Referrer(TYPE, b"1"))
    assert not (tmp_path / "out.tar").exists()


def test_a_source_that_knows_no_referrers(tmp_path: Path) -> None:
    place = f"docker-archive:{tmp_path}/out.tar"
    assert read(place, write(place)) == []


def test_an_artifact_with_two_documents(place: str) -> None:
    class Twice(Referrer):
        @property
        def blobs(self) -> tuple[Blob, Blob]:
            return Blob.from_bytes(b"1", TYPE), Blob.from_bytes(b"{}", TYPE)

        def manifest(self, subject: object) -> Manifest:
            value = Referrer.manifest(self, subject).value()  # type: ignore[arg-type]
            return Manifest.build(value | {"layers": value["layers"] * 2})

    manifest = write(place, Twice(TYPE, b"1"))
    with pytest.raises(InvalidDocument, match="should hold one document"):
        read(place, manifest)
