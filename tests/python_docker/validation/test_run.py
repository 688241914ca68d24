"""What is checked of several images, of other artifacts, and how often."""

from __future__ import annotations

import pytest

from python_docker.errors import InvalidDocument
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_INDEX, ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression
from python_docker.validation import validate, validate_source, validate_sources
from tests.python_docker.in_memory import Many
from tests.python_docker.making import HELLO, MORE, Made
from tests.python_docker.validation.problems import (
    ERROR,
    WARNING,
    has,
    told,
)


def test_an_unreadable_manifest_is_reported() -> None:
    class Broken(Made):
        def root(self) -> Manifest | Index:
            raise InvalidDocument("the manifest is not JSON")

    assert told(validate_source(Broken())) == ["error: the image: the manifest is not JSON"]


def test_an_image_that_cannot_be_written_is_reported() -> None:
    image = Made(compression=Compression.ZSTD).image()
    image.format = ImageFormat.DOCKER
    assert has(validate(image), ERROR, "zstd layers cannot be written")


def test_the_digest_that_was_asked_for_counts() -> None:
    class Named(Made):
        reference = ImageReference.parse(f"ubuntu@{Digest.of(b'other')}")  # type: ignore[assignment]

    assert has(validate_source(Named()), ERROR, "but it was asked for as")


def test_a_missing_image_of_many() -> None:
    many = Many()
    del many.blobs[many.value["manifests"][1]["digest"]]
    report = validate_source(many)
    assert [problem.subject.split(" ")[0] for problem in report.errors] == ["linux/arm64:"]
    assert report.images == 1


def test_a_damaged_layer_of_one_of_many() -> None:
    many = Many()
    many.blobs[many.images["amd64"].value["layers"][1]["digest"]] = b""
    subjects = {problem.subject for problem in validate_source(many).errors}
    assert len(subjects) == 1
    assert subjects.pop().startswith("linux/amd64: layer 2 of 2 (sha256:")


def test_a_child_that_is_another_than_promised() -> None:
    many = Many()

    class Careless(Many):
        def child(self, descriptor: Descriptor) -> Manifest | Index:
            return many.images["amd64"].root()

    assert has(validate_source(Careless()), ERROR, "; the index says")


def test_indexes_that_never_end_are_told() -> None:
    assert has(validate_source(Many(nested=6)), ERROR, "more than 4 deep")


def test_indexes_that_never_end_are_reported() -> None:
    class Endless(Made):
        def __init__(self) -> None:
            super().__init__()
            self.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "depth": 0}

        def child(self, descriptor: Descriptor) -> Manifest | Index:
            return self.root()

        def root(self) -> Manifest | Index:
            self.value["depth"] += 1
            self.value["manifests"] = [self.put(str(self.value["depth"]).encode(), OCI_INDEX)]
            return super().root()

    assert has(validate_source(Endless()), ERROR, "more than 4 deep")


def test_what_many_indexes_name_is_looked_at_once() -> None:
    # 62 billion manifests, if each entry were followed.
    class Bomb(Made):
        """Four levels of indexes, each of which names the next one 500 times."""

        def __init__(self) -> None:
            super().__init__()
            self.asked = 0
            for _ in range(4):
                inner = self.put(dump_json(self.value), self.value["mediaType"])
                self.value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner] * 500}

        def child(self, descriptor: Descriptor) -> Manifest | Index:
            self.asked += 1
            return super().child(descriptor)

    bomb = Bomb()
    validate_source(bomb, layers=False)
    assert bomb.asked == 3


def artifact(config_type: str, config: bytes = b"{}", layer_type: str = "text/plain") -> Made:
    """Make a manifest as ORAS, Helm, cosign and others push it."""
    made = Made()
    made.value["config"] = made.put(config, config_type)
    made.value["layers"] = [made.put(b"no tar at all", layer_type)]
    return made


LAYER = "application/vnd.oci.image.layer.v1.tar"


CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@pytest.mark.parametrize(
    "made",
    [
        artifact("application/vnd.oci.empty.v1+json"),
        artifact(
            "application/vnd.cncf.helm.config.v1+json", layer_type="application/vnd.cncf.helm.chart.content.v1.tar+gzip"
        ),
        artifact("application/vnd.unknown.config.v1+json", layer_type=LAYER),
        artifact(ImageFormat.OCI.config_type, layer_type=LAYER),
        artifact("text/plain", b"not even JSON"),
    ],
    ids=["empty", "chart", "file called a layer", "image config that says nothing", "text"],
)
def test_of_an_artifact_digests_and_sizes_are_checked(made: Made) -> None:
    report = validate_source(made)
    assert report.ok, told(report)
    assert (report.images, report.artifacts, report.layers) == (0, 1, 1)
    made.blobs[made.value["layers"][0]["digest"]] = b"now tar at all"
    assert has(validate_source(made), ERROR, "more than 13 bytes")
    made.blobs[made.value["layers"][0]["digest"]] = b"No tar at all"
    assert has(validate_source(made), ERROR, "its digest is")


@pytest.mark.parametrize("config_type", ["application/octet-stream", "application/json", "text/html"])
def test_images_of_docker_s_early_years_are_images(config_type: str) -> None:
    made = Made(image_format=ImageFormat.DOCKER)
    made.value["config"]["mediaType"] = config_type
    report = validate_source(made)
    assert (report.ok, report.images) == (True, 1)
    assert has(report, WARNING, "as in Docker's early years")
    assert made.image().list_files() == Made().image().list_files()


def test_several_images_are_checked_together() -> None:
    good, bad = Made([HELLO]), Made([HELLO, MORE])
    bad.blobs[bad.value["layers"][1]["digest"]] = b""
    report = validate_sources({"@0 good": good, "@1 bad": bad})
    assert (report.images, report.layers) == (2, 2)
    assert {problem.subject.partition(": ")[0] for problem in report.errors} == {"@1 bad"}


def test_layers_that_images_share_are_read_once() -> None:
    many = Many()
    opened: list[Digest] = []

    class Counting(Many):
        def blob(self, descriptor: Descriptor) -> Blob:
            opened.append(descriptor.digest)
            return super().blob(descriptor)

    validate_source(Counting())
    shared = many.images["amd64"].value["layers"][0]["digest"]
    assert many.images["arm64"].value["layers"][0]["digest"] == shared
    assert opened.count(shared) == 1
