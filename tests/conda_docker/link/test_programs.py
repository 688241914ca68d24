"""Whether a program needs glibc's loader, seen in its first bytes."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.link.programs import HEAD_SIZE, needs_glibc


def program(loader: str | None, *, bits: int = 64, order: str = "<") -> bytes:
    """Return the beginning of a program that names its loader."""
    kind = 2 if bits == 64 else 1
    content = b"" if loader is None else loader.encode() + b"\0"
    header, row = (64, 56) if bits == 64 else (52, 32)
    head = b"\x7fELF" + bytes([kind, 1 if order == "<" else 2, 1]) + bytes(header - 7)
    table = bytearray(head)
    word, place, sizes = ("Q", 32, 54) if bits == 64 else ("I", 28, 42)
    struct.pack_into(order + word, table, place, header)
    struct.pack_into(f"{order}HH", table, sizes, row, 2)
    rows = bytearray(2 * row)
    struct.pack_into(f"{order}I", rows, 0, 6)
    struct.pack_into(f"{order}I", rows, row, 3 if loader is not None else 1)
    offset_at, size_at = (8, 32) if bits == 64 else (4, 16)
    struct.pack_into(order + word, rows, row + offset_at, header + 2 * row)
    struct.pack_into(order + word, rows, row + size_at, len(content))
    return bytes(table) + bytes(rows) + content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [32, 64])
def test_loaders(bits: int, order: str) -> None:
    def needed(loader: str | None) -> bool:
        return needs_glibc(program(loader, bits=bits, order=order))

    assert needed("/lib64/ld-linux-x86-64.so.2")
    assert needed("/lib/ld64.so.1")
    assert not needed("/lib/ld-musl-x86_64.so.1")
    assert not needed(None), "a static program"


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x02\x01", b"\x7fELF\x09\x01" + bytes(60)]
)
def test_what_is_not_a_program(content: bytes) -> None:
    assert not needs_glibc(content)


def test_a_table_beyond_the_first_bytes_is_taken_for_a_program_s() -> None:
    head = bytearray(program("/lib/ld-musl-x86_64.so.1").ljust(HEAD_SIZE, b"\0"))
    struct.pack_into("<Q", head, 32, 1 << 20)
    assert needs_glibc(bytes(head))


@given(st.binary(max_size=200), st.integers(0, 150))
def test_any_bytes_give_an_answer(noise: bytes, place: int) -> None:
    head = program("/lib64/ld-linux-x86-64.so.2")
    assert isinstance(needs_glibc(head[:place] + noise + head[place + len(noise) :]), bool)


@pytest.mark.peer("busybox")
def test_programs_of_this_machine() -> None:
    busybox = shutil.which("busybox")
    assert busybox is not None
    with Path(busybox).open("rb") as file:
        assert not needs_glibc(file.read(HEAD_SIZE))
