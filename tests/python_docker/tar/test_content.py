"""How the bytes of a tar are taken from a stream that cannot seek."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidLayer
from python_docker.tar.content import Content, ReadAhead, Unreadable


class Dripping(io.RawIOBase):
    """Gives a few bytes at a time, as a socket does."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = io.BytesIO(data)
        self._most = most

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(self._most, size if size >= 0 else self._most))


@given(st.binary(max_size=200), st.integers(1, 7), st.lists(st.integers(0, 50)))
def test_exactly_what_was_asked_for_comes(data: bytes, most: int, sizes: list[int]) -> None:
    ahead, plain = ReadAhead(Dripping(data, most)), io.BytesIO(data)  # type: ignore[arg-type]
    for size in sizes:
        assert ahead.read(size) == plain.read(size)


def test_some_of_it_comes_without_being_put_together() -> None:
    ahead = ReadAhead(Dripping(b"abcdef", 3))  # type: ignore[arg-type]
    assert [ahead.read1(2), ahead.read1(9), ahead.read1(9), ahead.read1(9)] == [b"ab", b"c", b"def", b""]
    assert ahead.before == 6


def content(data: bytes, size: int) -> BinaryIO:
    source = io.BytesIO(data)
    return Content(source.read, size, "a/file")


def test_a_member_ends_where_its_size_says() -> None:
    stream = content(b"abcdef", 4)
    assert (stream.read(3), stream.read(), stream.read()) == (b"abc", b"d", b"")


@pytest.mark.parametrize("read", ["read", "read1"])
def test_a_member_that_is_cut_short(read: str) -> None:
    stream = content(b"ab", 4)
    with pytest.raises(InvalidLayer, match="the tar ends within 'a/file'"):
        while getattr(stream, read)(10):
            pass


def test_a_member_in_more_than_one_piece() -> None:
    source = Dripping(b"abcdef", 2)
    assert Content(source.read, 6, "x").read() == b"abcdef"


def test_content_that_is_only_passed_over() -> None:
    with pytest.raises(InvalidLayer, match="a sparse file cannot be read here"):
        Unreadable("a sparse file").read()
