"""A tar of blobs: each once, in the order in which they came, the same bytes from the same content."""

from __future__ import annotations

import io
import tarfile

import pytest

from python_docker.errors import ContentMismatch, Error
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.transports.blob_tar import BlobTar


class Memory:
    """An output in memory."""

    def __init__(self) -> None:
        self.data = b""
        self.state = "open"

    def write(self, data: bytes) -> None:
        self.data += data

    def commit(self) -> None:
        self.state = "committed"

    def abort(self) -> None:
        self.state = "aborted"


def blob_of(content: bytes) -> Blob:
    return Blob.from_bytes(content, "application/octet-stream")


def test_blobs_lie_where_their_digests_say() -> None:
    output = Memory()
    tar = BlobTar(output)
    moved: list[int] = []
    assert tar.put_blob(blob_of(b"hello"), moved.append) == ""
    tar.commit()
    digest = Digest.of(b"hello")
    with tarfile.open(fileobj=io.BytesIO(output.data), mode="r:") as read:
        assert read.getnames() == ["blobs", "blobs/sha256", f"blobs/sha256/{digest.encoded}"]
        member = read.getmembers()[-1]
        assert (member.mode, member.mtime, member.uid) == (0o644, 0, 0)
    assert (sum(moved), output.state) == (5, "committed")


def test_a_blob_goes_in_once() -> None:
    tar = BlobTar(Memory())
    blob = blob_of(b"hello")
    tar.put_blob(blob, lambda size: None)
    assert tar.put_blob(blob, lambda size: pytest.fail("nothing is to be read")) == "exists"


def test_a_blob_at_another_place() -> None:
    tar = BlobTar(Memory())
    tar.put_blob(blob_of(b"hello"), lambda size: None, "layer.tar")
    assert "layer.tar" in tar


def test_the_first_file_of_a_name_stays() -> None:
    output = Memory()
    tar = BlobTar(output)
    tar.put_file("f", b"1")
    tar.put_file("f", b"2")
    tar.commit()
    with tarfile.open(fileobj=io.BytesIO(output.data), mode="r:") as read:
        file = read.extractfile("f")
        assert file is not None
        assert file.read() == b"1"


@pytest.mark.parametrize("content", [b"jello", b""])
def test_a_blob_is_checked_on_the_way(content: bytes) -> None:
    described = Descriptor.new("application/octet-stream", Digest.of(b"other"), len(content))
    with pytest.raises(ContentMismatch):
        BlobTar(Memory()).put_blob(Blob(described, lambda: io.BytesIO(content)), lambda size: None)


def test_a_blob_that_cannot_be_read() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    described = Descriptor.new("application/octet-stream", Digest.of(b"other"), 5)
    with pytest.raises(Error, match=r"cannot read blob sha256:\w+: Input/output error"):
        BlobTar(Memory()).put_blob(Blob(described, Broken), lambda size: None)  # type: ignore[arg-type]


def test_what_is_given_up() -> None:
    output = Memory()
    BlobTar(output).abort()
    assert output.state == "aborted"
