"""The fields of a tar's header."""

from __future__ import annotations

import pytest

from python_docker.errors import InvalidLayer
from python_docker.tar.fields import check_sum, number, text
from tests.python_docker.tar.by_hand import header


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (8 * b"\0", 0),
        (b"\x80" + 6 * b"\0" + b"\x05", 5),
        (8 * b"\xff", -1),
    ],
)
def test_numbers_are_octal_or_base_256(field: bytes, expected: int) -> None:
    assert number(field, "a size") == expected


@pytest.mark.parametrize("field", [b"0000648\0", b"-1\0", b"1_0\0", b"6 4\0"])
def test_other_numbers_are_refused(field: bytes) -> None:
    with pytest.raises(InvalidLayer, match="a size"):
        number(field, "a size")


def test_names_end_at_a_zero_byte() -> None:
    assert text(b"a\xff\0b") == "a\udcff"


def test_a_wrong_checksum_is_refused() -> None:
    block = header()[:512]
    check_sum(block, block[148:156])
    with pytest.raises(InvalidLayer, match="checksum"):
        check_sum(bytes([block[0] ^ 1]) + block[1:], block[148:156])
