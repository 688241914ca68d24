"""Which programs need a loader that the base image must have, seen in their first bytes.

Source: elf(5), segments of type `PT_INTERP`.
"""

from __future__ import annotations

import posixpath
import struct

HEAD_SIZE = 4096
"""Bytes that `needs_glibc` looks at: linkers put the table of segments, and the loader's name, at the beginning."""

_INTERPRETER = 3  # PT_INTERP
_LOADERS_OF_GLIBC = ("ld-linux", "ld64.so", "ld.so")
# Of the 32-bit and the 64-bit header: where the table of segments is, and the size and number of its rows.
_TABLE = {1: ("I", 28, 42), 2: ("Q", 32, 54)}
# Of a segment: where its content is, and its size.
_CONTENT = {1: ("I", 4, 16), 2: ("Q", 8, 32)}


def needs_glibc(head: bytes) -> bool:
    """Return whether a file that begins with `head` is a program that glibc's loader starts.

    Scripts, static programs and those for another C library are not.

    >>> needs_glibc(b"#!/bin/sh"), needs_glibc(b"\\x7fELF\\x02\\x01\\x01" + bytes(57))
    (False, False)
    """
    if head[:4] != b"\x7fELF" or len(head) < 6 or head[4] not in _TABLE or head[5] not in (1, 2):
        return False
    order = "<" if head[5] == 1 else ">"
    word, place, sizes = _TABLE[head[4]]
    content, offset_at, size_at = _CONTENT[head[4]]
    try:
        (table,) = struct.unpack_from(order + word, head, place)
        row_size, rows = struct.unpack_from(f"{order}HH", head, sizes)
        for number in range(min(rows, HEAD_SIZE)):
            row = table + number * row_size
            if struct.unpack_from(f"{order}I", head, row)[0] == _INTERPRETER:
                (offset,) = struct.unpack_from(order + content, head, row + offset_at)
                (size,) = struct.unpack_from(order + content, head, row + size_at)
                loader = head[offset : offset + size].rstrip(b"\0").decode("utf-8", "replace")
                return not loader or posixpath.basename(loader).startswith(_LOADERS_OF_GLIBC)
    except (struct.error, OverflowError):
        return len(head) >= HEAD_SIZE  # the table is further on: most programs have a loader
    return False
