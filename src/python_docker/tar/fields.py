"""The fields of a header as they are read: names, octal and base-256 numbers, the checksum (POSIX.1; GNU tar)."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from python_docker.errors import InvalidLayer
from python_docker.tar.header import byte_sum
from python_docker.tar.pax import MAX_INT64

# name, mode, uid, gid, size, mtime, checksum, type, link, magic, major, minor, prefix
HEADER = Struct("100s8s8s8s12s12s8s1s100s6s66x8s8s155s12x")


def text(field: bytes) -> str:
    """Return a name, whose bytes that are not UTF-8 are surrogate escapes (PEP 383)."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def number(field: bytes, what: str) -> int:
    """Return an octal number, or GNU's base-256 form of a large one."""
    digits = field.rstrip(b" \0")
    if not digits.isdigit():
        if field[0] in (0x80, 0xFF):
            return int.from_bytes(field[1:], "big") - (1 << (8 * (len(field) - 1)) if field[0] == 0xFF else 0)
        digits = field.partition(b"\0")[0].strip(b" ")
        if not digits:
            return 0
    # int() alone would also take signs, underscores and inner blanks.
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise InvalidLayer(f"damaged tar: {what} is {digits[:16]!r}")


@lru_cache(256)
def time(field: bytes) -> int:
    """Return when a member was changed, which is mostly the same for neighbours."""
    found = number(field, "a time")
    if abs(found) > MAX_INT64:
        raise InvalidLayer(f"damaged tar: a time is {found}")
    return found


@lru_cache(256)
def mode_and_owner(mode: bytes, uid: bytes, gid: bytes) -> tuple[int, int, int]:
    """Return three numbers that are the same for most members of a tar."""
    return number(mode, "a mode") & 0o7777, number(uid, "a user ID"), number(gid, "a group ID")


def check_sum(block: bytes, field: bytes) -> None:
    """Raise `InvalidLayer` unless a header's checksum is right."""
    # The checksum's own bytes count as spaces.
    total = byte_sum(block) - sum(field) + 8 * 0x20
    if field == b"%06o\0 " % total:
        return  # as all of today write it
    try:
        stated = number(field, "a checksum")
    except InvalidLayer:
        stated = -1
    if total == stated:
        return
    # Some old systems added signed bytes.
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 8 * 0x20
    if signed != stated:
        raise InvalidLayer("not a tar, or a damaged one: a header's checksum is wrong")
