"""The bytes of a blob on their way up, and who is to blame when they do not come."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from python_docker.errors import ContentMismatch
from python_docker.http.body import FilePart, Piece
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.upload.sending import Sending
from python_docker.registry.upload.session import start_upload
from tests.python_docker.registry.contents import Tally, random_blob
from tests.python_docker.registry.stub_registry import StubRegistry

CONTENT, BLOB = random_blob(300_000)


@pytest.fixture
def sending(stub: StubRegistry, options: RegistryOptions) -> Sending:
    return Sending(RegistryClient(stub.url, options), "team/app", BLOB, Tally())


def content(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.content if isinstance(piece, FilePart) else piece for piece in pieces)


def moved(sending: Sending) -> int:
    assert isinstance(sending.task, Tally)
    return sending.task.moved


def test_the_whole_blob(sending: Sending) -> None:
    assert content(sending.pieces(0, len(CONTENT))) == CONTENT
    assert moved(sending) == len(CONTENT)


def test_what_is_read_from_a_file_says_so(stub: StubRegistry, options: RegistryOptions, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    for blob in (Blob.from_file(path, BLOB.descriptor), Blob.stored(path, BLOB.descriptor)):
        sending = Sending(RegistryClient(stub.url, options), "team/app", blob, Tally())
        parts = list(sending.pieces(1000, len(CONTENT) - 1000))
        assert len(parts) > 1
        for part in parts:
            assert isinstance(part, FilePart)
            assert CONTENT[part.start :].startswith(part.content)
        assert content(parts) == CONTENT[1000:]
        sending.close()


def test_a_damaged_file_is_not_sent_whole(stub: StubRegistry, options: RegistryOptions, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
    sending = Sending(RegistryClient(stub.url, options), "team/app", Blob.from_file(path, BLOB.descriptor), Tally())
    with pytest.raises(ContentMismatch):
        content(sending.pieces(0, len(CONTENT)))
    assert moved(sending) < len(CONTENT)
    sending.close()


def test_pieces_grow_where_they_go_fast_alone(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lengths = []
    for piece in sending.pieces(0, len(CONTENT)):
        lengths.append(len(piece))
        now[0] += 0 if len(lengths) == 1 else 1
    assert lengths == [128 << 10, len(CONTENT) - (128 << 10)]
    sending.rewind()
    lengths.clear()
    for piece in sending.pieces(0, len(CONTENT)):
        lengths.append(len(piece))
        now[0] += 1
    assert lengths == [128 << 10, 128 << 10, len(CONTENT) - (256 << 10)]


def test_parts_of_it_one_after_the_other(sending: Sending) -> None:
    assert content([*sending.pieces(0, 1000), *sending.pieces(1000, 200_000)]) == CONTENT[:201_000]
    assert moved(sending) == 201_000


def test_a_part_again_after_a_break(sending: Sending) -> None:
    assert content(sending.pieces(0, 200_000)) == CONTENT[:200_000]
    assert content(sending.pieces(150_000, 10)) == CONTENT[150_000:150_010]
    assert moved(sending) == 150_010


def test_nothing_counts_after_beginning_again(sending: Sending) -> None:
    content(sending.pieces(0, 1000))
    sending.rewind()
    assert moved(sending) == 0
    assert content(sending.pieces(0, 10)) == CONTENT[:10]


def test_an_error_of_the_blob_itself_is_kept(stub: StubRegistry, options: RegistryOptions) -> None:
    broken = Blob(BLOB.descriptor, lambda: io.BytesIO(CONTENT[:100]))
    sending = Sending(RegistryClient(stub.url, options), "team/app", broken, Tally())
    with pytest.raises(ContentMismatch):
        content(sending.pieces(0, len(CONTENT)))
    assert isinstance(sending.source_error, ContentMismatch)


def test_requests_go_to_the_latest_place(sending: Sending, stub: StubRegistry) -> None:
    sending.session = start_upload(sending.client, "team/app")
    sending.request("DELETE", None, {204}, query="a=b")
    asked = stub.asked("DELETE")[0]
    assert asked.query["a"] == "b"
    assert asked.query["_state"]
    assert stub.uploads == {}
