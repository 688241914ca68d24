"""Pax records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidLayer
from python_docker.tar.pax import parse_pax, pax_number, pax_record

KEYS = st.text(st.characters(codec="ascii", exclude_characters="=\n\0"), min_size=1, max_size=12)


@given(st.dictionaries(KEYS, st.binary(max_size=1100), max_size=4))
def test_records_come_back(records: dict[str, bytes]) -> None:
    body = b"".join(pax_record(key.encode(), value) for key, value in records.items())
    assert parse_pax(body) == records


@pytest.mark.parametrize("size", range(88, 100))
def test_the_length_counts_its_own_digits(size: int) -> None:
    record = pax_record(b"k", size * b"v")
    assert int(record.partition(b" ")[0]) == len(record)


def test_a_global_header_keeps_what_members_may_lack() -> None:
    body = pax_record(b"mtime", b"1") + pax_record(b"comment", b"c")
    assert parse_pax(body, for_all=True) == {"mtime": b"1"}


@pytest.mark.parametrize("body", [b"x", b"no length\n", b"99 a=b\n", b"5 ab\n", b"6 a=bc", b"0 a=b\n"])
def test_what_is_not_a_sequence_of_records_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidLayer, match="damaged tar"):
        parse_pax(body)


@pytest.mark.parametrize(("value", "number"), [(b"12", 12), (b"-1.5", -1), (b"7.", 7)])
def test_fractions_are_cut_off(value: bytes, number: int) -> None:
    assert pax_number(value, "a time") == number


@pytest.mark.parametrize("value", [b"", b"+1", b"1_0", b"1.x", 21 * b"9"])
def test_other_numbers_are_refused(value: bytes) -> None:
    with pytest.raises(InvalidLayer, match="a time"):
        pax_number(value, "a time")
