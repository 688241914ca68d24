"""Headers of tars made by hand, right or wrong."""

from __future__ import annotations


def header(**fields: bytes) -> bytes:
    """A header made by hand; the checksum is right."""
    places = {
        "name": (0, 100),
        "mode": (100, 8),
        "uid": (108, 8),
        "gid": (116, 8),
        "size": (124, 12),
        "mtime": (136, 12),
        "flag": (156, 1),
        "link": (157, 100),
        "magic": (257, 8),
        "major": (329, 8),
        "minor": (337, 8),
        "prefix": (345, 155),
    }
    block = bytearray(512)
    for name, value in {"name": b"x", "flag": b"0", **fields}.items():
        start, size = places[name]
        block[start : start + size] = value.ljust(size, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(flag: bytes = b"x", **records: bytes) -> bytes:
    body = b""
    for key, value in records.items():
        rest = len(key) + len(value) + 3
        length = rest + len(str(rest + len(str(rest))))
        body += b"%d %b=%b\n" % (length, key.encode(), value)
    return header(name=b"pax", flag=flag, size=b"%011o" % len(body)) + body + bytes(-len(body) % 512)
