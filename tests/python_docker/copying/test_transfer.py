"""Blobs leave for one destination as soon as they are there."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import ClassVar

import pytest

from python_docker.copying.transfer import Transfer, put_blobs, take_unread
from python_docker.image.blob import Blob
from python_docker.parallel import Stop
from python_docker.progress import Task
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.streams.compression import Compression
from tests.python_docker.in_memory import Kept

BLOBS = [Blob.from_bytes(bytes([number]) * 100, "application/octet-stream") for number in range(9)]


class Noting(Kept):
    """A destination that notes what is put, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.put = threading.Event()
        self.times: list[str] = []

    def put_blob(self, blob: Blob, task: Task) -> str:
        self.times.append(blob.descriptor.digest)
        super().put_blob(blob, task)
        self.put.set()
        return ""


class InOrder(Noting):
    parallel: ClassVar = 1


class WithoutZstd(Noting):
    compressions: ClassVar = frozenset({Compression.GZIP, Compression.NONE})


def test_a_blob_leaves_at_once_and_once() -> None:
    destination = Noting()
    with Transfer(destination) as transfer:
        transfer.begin(BLOBS[0])
        assert destination.put.wait(120)
        transfer.put(BLOBS)
    assert sorted(destination.times) == sorted(blob.descriptor.digest for blob in BLOBS)


def test_where_the_order_counts_nothing_leaves_before_its_turn() -> None:
    destination = InOrder()
    with Transfer(destination) as transfer:
        transfer.begin(BLOBS[5])
        transfer.put(BLOBS)
    assert destination.times == [blob.descriptor.digest for blob in BLOBS]


def test_a_layer_that_is_compressed_anew_there_does_not_leave_early() -> None:
    destination = WithoutZstd()
    with Transfer(destination) as transfer:
        transfer.begin(Blob.from_bytes(b"zstd", layer_media_type(ImageFormat.OCI, Compression.ZSTD)))
    assert destination.times == []


def test_an_error_of_a_blob_that_left_early_is_raised_and_stops_all_parts() -> None:
    def broken() -> None:
        raise OSError("gone")

    stop = Stop()
    with pytest.raises(OSError, match="gone"), Transfer(Noting(), stop=stop) as transfer:
        transfer.begin(Blob(BLOBS[0].descriptor, broken))  # type: ignore[arg-type]
        transfer.put(BLOBS)
    assert str(stop.cause) == "gone"


def test_nothing_leaves_once_the_work_is_in_vain() -> None:
    destination, stop = Noting(), Stop()
    stop.set()
    with pytest.raises(CancelledError):
        Transfer(destination, stop=stop).put(BLOBS)
    assert destination.times == []


def test_what_is_under_way_ends_early() -> None:
    stop, begun = Stop(), threading.Event()

    class Slow(Noting):
        def put_blob(self, blob: Blob, task: Task) -> str:
            begun.set()
            stop.future.exception(120)
            task.advance(1)
            raise AssertionError("goes on in vain")

    with pytest.raises(ZeroDivisionError), Transfer(Slow(), stop=stop) as transfer:
        transfer.begin(BLOBS[0])
        assert begun.wait(120)
        raise ZeroDivisionError


def test_put_blobs_puts_each_digest_once() -> None:
    destination = Noting()
    put_blobs([*BLOBS, *BLOBS], destination)
    assert len(destination.times) == len(BLOBS)


class Taking(Kept):
    """A destination that takes what it has already, and counts how often it is asked."""

    def __init__(self, *blobs: Blob) -> None:
        super().__init__()
        self._has = {blob.descriptor.digest for blob in blobs}
        self.asked = 0

    def take(self, blob: Blob) -> bool:
        self.asked += 1
        return blob.descriptor.digest in self._has


def test_what_all_take_unread_is_needed_by_none() -> None:
    assert take_unread([Taking(BLOBS[0]), Taking(*BLOBS)], BLOBS[0])
    assert not take_unread([Taking(*BLOBS), None], BLOBS[0])
    assert not take_unread([Taking(*BLOBS), Noting()], BLOBS[0]), "it takes nothing unread"


def test_after_one_that_needs_its_bytes_none_is_asked() -> None:
    last = Taking(*BLOBS)
    assert not take_unread([Taking(), last], BLOBS[0])
    assert last.asked == 0
