"""A file of a store is hashed before its bytes go anywhere, once, and replaced when it is damaged."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.errors import ContentMismatch
from python_docker.files.checksum import checksum_of
from python_docker.image import stored_file
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.image.stored_file import StoredFile
from python_docker.spec.digest import Digest, VerifyingReader
from python_docker.spec.documents.descriptor import Descriptor
from tests.damage import flip_a_bit

TYPE = "application/octet-stream"
CONTENT = b"abc"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a blob's file."""
    return BlobStore(tmp_path).path_of(BlobStore(tmp_path).add_bytes(CONTENT, TYPE).descriptor.digest)


def writing(path: Path, content: bytes = CONTENT) -> Callable[[], Digest]:
    def again() -> Digest:
        assert not path.exists(), "the damaged file is still there"
        path.write_bytes(content)
        return Digest.of(content)

    return again


def test_an_intact_file_is_opened(path: Path) -> None:
    with StoredFile(path, Descriptor.of(CONTENT, TYPE)).open() as file:
        assert file.read() == CONTENT


def test_it_is_hashed_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[object] = []

    def counting(*args: object) -> VerifyingReader:
        hashed.append(args)
        return VerifyingReader(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stored_file, "VerifyingReader", counting)
    blob = Blob.stored(path, Descriptor.of(CONTENT, TYPE))
    for _ in range(3):
        blob.read()
    blob.describe(blob.descriptor.replace(media_type="a/b")).read()
    assert len(hashed) == 1
    Blob.stored(path, Descriptor.of(CONTENT, TYPE), intact=True).read()
    assert len(hashed) == 1


@pytest.mark.parametrize("damage", ["flip a bit", "truncate", "grow", "remove"])
def test_a_damaged_file_is_replaced_and_said_to_be(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    if damage == "flip a bit":
        flip_a_bit(path)
    elif damage == "remove":
        path.unlink()
    else:
        path.write_bytes(CONTENT[:-1] if damage == "truncate" else CONTENT + b"x")
    with caplog.at_level(logging.WARNING):
        assert Blob.stored(path, Descriptor.of(CONTENT, TYPE), writing(path)).read() == CONTENT
    assert path.read_bytes() == CONTENT
    assert ("was damaged and is replaced" in caplog.text) == (damage != "remove")


def test_a_file_with_a_checksum_is_checked_by_that_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "VerifyingReader", None)
    blob = Blob.stored(path, Descriptor.of(CONTENT, TYPE), checksum=checksum_of(path))
    assert blob.read() == CONTENT


@pytest.mark.parametrize("damage", ["flip a bit", "truncate", "grow"])
def test_a_file_that_is_not_what_its_checksum_says_is_replaced(path: Path, damage: str) -> None:
    checksum = checksum_of(path)
    if damage == "flip a bit":
        flip_a_bit(path)
    else:
        path.write_bytes(CONTENT[:-1] if damage == "truncate" else CONTENT + b"x")
    blob = Blob.stored(path, Descriptor.of(CONTENT, TYPE), checksum=checksum).replaced_by(writing(path))
    assert blob.read() == CONTENT


def test_a_blob_can_be_given_its_replacement_later(path: Path) -> None:
    flip_a_bit(path)
    assert Blob.stored(path, Descriptor.of(CONTENT, TYPE)).replaced_by(writing(path)).read() == CONTENT


def test_without_a_replacement_it_is_removed_so_that_the_next_run_is_right(path: Path) -> None:
    flip_a_bit(path)
    with pytest.raises(ContentMismatch, match="was damaged and has been removed; run the command again"):
        Blob.stored(path, Descriptor.of(CONTENT, TYPE)).read()
    assert not path.exists()


def test_a_file_that_has_disappeared_is_an_error_that_says_so(path: Path) -> None:
    path.unlink()
    with pytest.raises(ContentMismatch, match="has disappeared from"):
        Blob.stored(path, Descriptor.of(CONTENT, TYPE)).read()


def test_a_file_that_disappears_after_it_was_checked_is_replaced(path: Path) -> None:
    blob = Blob.stored(path, Descriptor.of(CONTENT, TYPE), writing(path), intact=True)
    path.unlink()
    assert BlobStore(path.parent / "layout").add(blob).read() == CONTENT


def test_a_replacement_that_is_another_is_refused(path: Path) -> None:
    flip_a_bit(path)
    with pytest.raises(ContentMismatch, match="made again, it is sha256:"):
        Blob.stored(path, Descriptor.of(CONTENT, TYPE), writing(path, b"abd")).read()


def test_a_disk_that_cannot_be_read_counts_as_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: StoredFile) -> VerifyingReader:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(StoredFile, "_reader", failing)
    assert Blob.stored(path, Descriptor.of(CONTENT, TYPE), writing(path)).read() == CONTENT


def test_a_disk_that_can_only_be_read_is_an_error_that_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    flip_a_bit(path)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ContentMismatch, match="is damaged and cannot be replaced: Read-only file system"):
        Blob.stored(path, Descriptor.of(CONTENT, TYPE), writing(path)).read()


def test_a_damaged_file_is_never_linked(path: Path, tmp_path: Path) -> None:
    flip_a_bit(path)
    layout = BlobStore(tmp_path / "layout")
    with pytest.raises(ContentMismatch):
        layout.add(Blob.stored(path, Descriptor.of(CONTENT, TYPE)))
    assert not (tmp_path / "layout").exists()
