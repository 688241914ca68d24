"""ReadAhead: the same content, earlier; the same errors; and an end to its thread."""

from __future__ import annotations

import io
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.streams.read_ahead import READ_SIZE, ReadAhead
from python_docker.streams.stream import ReadStream


class Pieces(ReadStream):
    """A stream of pieces as they are; an error stands for itself. `taken` counts those that were read."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        super().__init__()
        self._pieces = list(pieces)
        self.taken = 0
        self.closing = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        if not self._pieces:
            return b""
        self.taken += 1
        piece = self._pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        self.closing.set()
        super().close()


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=12), st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_it_gives_what_the_stream_holds(pieces: list[bytes], sizes: list[int]) -> None:
    found: list[bytes] = []
    with ReadAhead(Pieces(*pieces)) as stream:
        while data := stream.read(sizes[len(found) % len(sizes)]):
            assert len(data) <= sizes[len(found) % len(sizes)]
            found.append(data)
        assert stream.read(1) == b""
    assert b"".join(found) == b"".join(pieces)


def test_everything_at_once() -> None:
    content = bytes(range(256)) * (READ_SIZE // 100)
    with ReadAhead(io.BytesIO(content)) as stream:
        assert stream.read() == content


def test_it_reads_before_it_is_asked_but_not_far() -> None:
    beneath = Pieces(*[b"x"] * 100)
    with ReadAhead(beneath):
        deadline = time.monotonic() + 10
        while beneath.taken < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert 3 <= beneath.taken <= 5


def test_an_error_comes_after_what_was_read_before_it() -> None:
    with ReadAhead(Pieces(b"ab", ValueError("damaged"), b"c")) as stream:
        assert stream.read(5) == b"ab"
        with pytest.raises(ValueError, match="damaged"):
            stream.read(5)
        assert stream.read(5) == b""


def test_the_stream_is_closed_by_the_time_its_end_was_read() -> None:
    beneath = Pieces(b"a")
    with ReadAhead(beneath) as stream:
        assert stream.read() == b"a"
        assert beneath.closed


def test_closing_early_ends_the_thread_and_closes_the_stream() -> None:
    beneath = Pieces(*[b"x"] * 100)
    stream = ReadAhead(beneath)
    assert stream.read(1) == b"x"
    stream.close()
    assert beneath.closing.wait(120)
    assert beneath.taken < 20


def test_closing_does_not_wait_for_a_read_under_way() -> None:
    goes_on = threading.Event()

    class Waiting(Pieces):
        def read(self, size: int | None = -1) -> bytes:
            goes_on.wait(120)
            return b""

    beneath = Waiting()
    ReadAhead(beneath).close()
    assert not beneath.closing.is_set()
    goes_on.set()
    assert beneath.closing.wait(120)
