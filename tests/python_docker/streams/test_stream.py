"""ReadStream: a subclass says what `read` gives, and is a binary file."""

from __future__ import annotations

import io
from array import array

import pytest

from python_docker.streams.stream import ReadStream


class Letters(ReadStream):
    """The alphabet, in pieces of at most five letters."""

    def __init__(self, *beneath: io.BytesIO) -> None:
        super().__init__(*beneath)
        self._left = b"abcdefghijklmnopqrstuvwxyz"

    def read(self, size: int | None = -1) -> bytes:
        size = len(self._left) if size is None or size < 0 else min(size, 5)
        data, self._left = self._left[:size], self._left[size:]
        return data


def test_it_is_a_file_that_can_be_read_and_nothing_else() -> None:
    stream = Letters()
    assert (stream.readable(), stream.writable(), stream.seekable()) == (True, False, False)
    assert stream.readall() == b"abcdefghijklmnopqrstuvwxyz"


def test_other_readers_can_be_put_on_it() -> None:
    assert io.BufferedReader(Letters()).read(12) == b"abcdefghijkl"
    assert io.TextIOWrapper(io.BufferedReader(Letters())).read() == "abcdefghijklmnopqrstuvwxyz"


def test_buffers_of_any_kind_are_filled() -> None:
    numbers = array("H", [0, 0])
    assert Letters().readinto(numbers) == 4
    assert numbers.tobytes() == b"abcd"


def test_closing_closes_what_is_beneath() -> None:
    beneath = [io.BytesIO(), io.BytesIO()]
    with Letters(*beneath) as stream:
        assert not any(file.closed for file in beneath)
    stream.close()
    assert all(file.closed for file in beneath)


def test_a_subclass_must_say_what_it_gives() -> None:
    with pytest.raises(NotImplementedError):
        ReadStream().read()
