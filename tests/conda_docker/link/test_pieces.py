"""A stream of pieces that are made while it is read."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from conda_docker.link.pieces import PieceReader


@given(st.lists(st.binary(max_size=5)), st.lists(st.integers(1, 7), min_size=1))
def test_reads_of_any_size_give_the_pieces_in_order(pieces: list[bytes], sizes: list[int]) -> None:
    reader = PieceReader(pieces)
    read = [reader.read(size) for size in sizes]
    assert all(len(data) <= size for data, size in zip(read, sizes, strict=True))
    assert b"".join(read) + reader.read() == b"".join(pieces)
    assert reader.read(1) == b""


def test_no_piece_is_made_before_it_is_read() -> None:
    made = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"a", b"b"):
            made.append(piece)
            yield piece

    assert PieceReader(pieces()).read(1) == b"a"
    assert made == [b"a"]
