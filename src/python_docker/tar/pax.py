"""Pax records: what a header of 512 bytes cannot hold (POSIX.1-2017, pax, "pax Extended Header")."""

from __future__ import annotations

from python_docker.errors import InvalidLayer

MAX_EXTENSION = 1 << 20
"""Bytes of pax headers and long names before one member; honest ones have some hundred."""
MAX_INT64 = (1 << 63) - 1
XATTR = "SCHILY.xattr."
SPARSE = "GNU.sparse"
# What a global header may say of all members that follow.
_GLOBAL = ("path", "linkpath", "size", "mtime", "uid", "gid")


def pax_record(key: bytes, value: bytes) -> bytes:
    """Return one record.

    >>> pax_record(b"mtime", b"12")
    b'12 mtime=12\\n'
    """
    # "%d %s=%s\\n", where the number is the length of the whole record, its own digits included.
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def parse_pax(body: bytes, *, for_all: bool = False) -> dict[str, bytes]:
    """Return the records of an extended header; `for_all` keeps those that mean something in a global header.

    Raises `InvalidLayer` for what is not a sequence of records.
    """
    records: dict[str, bytes] = {}
    position = 0
    while position < len(body):
        space = body.find(b" ", position, position + 12)
        digits = body[position:space] if space > 0 else b""
        if not digits.isdigit():
            raise InvalidLayer("damaged tar: a pax header without lengths")
        end = position + int(digits)
        key, equals, value = body[space + 1 : end].partition(b"=")
        if end > len(body) or not equals or not value.endswith(b"\n"):
            raise InvalidLayer("damaged tar: a pax record that is cut short")
        name = key.decode("utf-8", "surrogateescape")
        if not for_all or name in _GLOBAL:
            records[name] = value[:-1]
        position = end
    return records


def pax_number(value: bytes, what: str) -> int:
    """Return a decimal number, its fraction cut off as Go and the kernel do. Raises `InvalidLayer`.

    >>> pax_number(b"1700000000.25", "a time")
    1700000000
    """
    whole, _, fraction = value.partition(b".")
    digits = whole.removeprefix(b"-")
    # Go, and so Docker and containerd, has 64 bits for it.
    if digits.isdigit() and len(digits) <= 20 and (fraction.isdigit() or not fraction) and int(digits) <= MAX_INT64:
        return int(whole)
    raise InvalidLayer(f"damaged tar: {what} is {value[:24]!r}")
