"""Blobs: damaged, missing, endless, or of another kind than their descriptors say."""

from __future__ import annotations

import bz2
import gzip
import io
from typing import BinaryIO

import pytest

from python_docker.errors import ConnectionFailed, Error, NotFound
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.streams.compression import Compression
from python_docker.streams.stream import ReadStream
from python_docker.validation import validate_source
from tests.python_docker.making import HELLO, MORE, Made, compress
from tests.python_docker.stacks import tar_of
from tests.python_docker.validation.problems import (
    ERROR,
    FILE,
    STORED,
    WARNING,
    has,
    replaced,
    told,
)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (STORED[:-1], ["bytes; its descriptor says", "damaged gzip stream"]),
        (STORED + b"x", ["it has more than"]),
        (b"", ["it has 0 bytes", "its content is not compressed"]),
        (gzip.compress(b"", mtime=0), ["bytes; its descriptor says", "the digest of its tar is"]),
        (STORED[:-4] + b"\0\0\0\0", ["its digest is", "damaged gzip stream"]),
        (STORED[:9] + b"\7" + STORED[10:], ["its digest is"]),
    ],
)
def test_damaged_layers(content: bytes, texts: list[str]) -> None:
    made = Made([HELLO, MORE])
    replaced(content, made)
    report = validate_source(made)
    for text in texts:
        assert has(report, ERROR, text), told(report)
    assert {problem.subject for problem in report.problems} == {f"layer 1 of 2 (sha256:{Digest.of(STORED).short})"}


@pytest.mark.parametrize("which", ["config", "layer"])
def test_missing_blobs(which: str) -> None:
    made = Made([HELLO, MORE])
    descriptor = made.value["config"] if which == "config" else made.value["layers"][1]
    del made.blobs[descriptor["digest"]]
    report = validate_source(made)
    assert has(report, ERROR, "there is no blob")
    assert len(report.errors) == 1


def test_a_layer_whose_bytes_may_live_elsewhere_may_be_missing() -> None:
    made = Made()
    made.value["layers"][0] |= {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}

    class Elsewhere(Made):
        def __init__(self) -> None:
            self.value, self.blobs = made.value, made.blobs

        def blob(self, descriptor: Descriptor) -> Blob:
            def missing() -> BinaryIO:
                raise NotFound("there is no blob")

            return Blob(descriptor, missing) if "nondistributable" in descriptor.media_type else made.blob(descriptor)

    report = validate_source(Elsewhere())
    assert report.ok
    assert has(report, WARNING, "as is usual for its type")


@pytest.mark.parametrize("failure", [ConnectionFailed("the line was cut"), OSError(5, "Input/output error")])
def test_blobs_that_cannot_be_read(failure: Exception) -> None:
    class Failing(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            def refuse() -> BinaryIO:
                raise failure

            return Blob(descriptor, refuse)

    report = validate_source(Failing())
    assert len(report.errors) == 2
    assert has(report, ERROR, "cannot be read" if isinstance(failure, Error) else "Input/output error")


def test_an_endless_blob_is_read_no_further_than_promised() -> None:
    made = Made(compression=Compression.NONE)

    class Endless(ReadStream):
        left = len(HELLO) + 1

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert 0 < size <= self.left
            self.left -= size
            return bytes(size)

    class Source(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            return Blob(descriptor, Endless) if descriptor.size == len(HELLO) else made.blob(descriptor)

    source = Source()
    source.value = made.value
    assert has(validate_source(source), ERROR, "it has more than")


@pytest.mark.parametrize(
    ("label", "content", "text"),
    [
        ("tar+gzip", HELLO, "says gzip, but its content is not compressed"),
        ("tar", STORED, "says none, but its content is gzip"),
        ("tar+zstd", STORED, "says zstd, but its content is gzip"),
        ("tar+gzip", compress(HELLO, Compression.ZSTD), "says gzip, but its content is zstd"),
        ("tar", bz2.compress(HELLO), "compressed with bzip2, which layers may not be"),
    ],
)
def test_wrong_labels(label: str, content: bytes, text: str) -> None:
    made = Made()
    made.value["layers"][0] = made.put(content, f"application/vnd.oci.image.layer.v1.{label}")
    report = validate_source(made)
    assert has(report, ERROR, text)
    assert len(report.problems) == 1


def test_digests_that_cannot_be_computed_here_are_not_checked() -> None:
    made = Made()
    made.blobs[Digest("multihash:abc")] = STORED
    made.value["layers"][0] |= {"digest": "multihash:abc"}
    report = validate_source(made)
    assert report.ok
    assert has(report, WARNING, "digests of multihash cannot be checked here")


def test_what_is_no_layer_is_checked_but_not_looked_into() -> None:
    made = Made([HELLO, MORE])
    made.value["layers"][1] = made.put(b"anything", "application/x-own")
    report = validate_source(made)
    assert report.ok
    assert has(report, WARNING, "'application/x-own', which is not a layer's")
    made.blobs[made.value["layers"][1]["digest"]] = b"somethin"
    assert has(validate_source(made), ERROR, "its digest is")


def test_a_damaged_tar_is_told() -> None:
    tar = bytearray(tar_of([("a", FILE, b""), ("b", FILE, b"")]))
    tar[512 + 5] ^= 1
    report = validate_source(Made([bytes(tar)]))
    assert [problem.message for problem in report.problems] == [
        "not a tar, or a damaged one: a header's checksum is wrong"
    ]


def test_a_layer_that_is_no_tar() -> None:
    assert has(validate_source(Made([b"<html>" * 1000])), ERROR, "not a tar")


def test_a_blob_opener_that_gives_other_things_than_files() -> None:
    made = Made()

    class Buffered(Made):
        def blob(self, descriptor: Descriptor) -> Blob:
            content = made.blobs[descriptor.digest]
            return Blob(descriptor, lambda: io.BufferedReader(io.BytesIO(content)))

    source = Buffered()
    source.value = made.value
    assert told(validate_source(source)) == []
