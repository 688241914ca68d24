"""Blobs are checked as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.errors import ContentMismatch, InvalidDocument
from python_docker.image.blob import Blob
from python_docker.spec.documents.descriptor import Descriptor

TYPE = "application/octet-stream"


def test_a_blob_in_memory() -> None:
    blob = Blob.from_bytes(b"abc", TYPE)
    assert blob.descriptor == Descriptor.of(b"abc", TYPE)
    assert blob.read() == blob.read() == b"abc"


def test_reading_checks_the_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abd")
    with pytest.raises(ContentMismatch):
        Blob.from_file(file, Descriptor.of(b"abc", TYPE)).read()


def test_large_blobs_are_not_read_at_once() -> None:
    with pytest.raises(InvalidDocument, match="has 3 bytes; at most 2"):
        Blob.from_bytes(b"abc", TYPE).read(limit=2)


def test_a_blob_that_says_it_is_small_is_not_read_beyond_that(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(1000 * b"a")
    with pytest.raises(ContentMismatch, match="longer than the 3 bytes"):
        Blob.from_file(file, Descriptor.of(b"aaa", TYPE)).read()


def test_the_same_content_can_be_described_otherwise() -> None:
    blob = Blob.from_bytes(b"abc", TYPE)
    other = blob.describe(blob.descriptor.replace(media_type="a/b"))
    assert (other.descriptor.media_type, other.read()) == ("a/b", b"abc")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"[]")
    with pytest.raises(ContentMismatch, match=f"^{path} is damaged: its digest is sha256:"):
        Blob.from_file(path, Descriptor.of(b"{}", "application/json")).read()
