"""The header of a member, as it is written: POSIX.1-2017 ustar, with pax records for what that cannot hold."""

from __future__ import annotations

from functools import lru_cache
from zlib import adler32

from python_docker.errors import InvalidPath
from python_docker.spec.limits import MAX_NAME, MAX_PATH
from python_docker.tar.entry import EntryType, TarEntry
from python_docker.tar.pax import MAX_EXTENSION, XATTR, pax_record

_BLOCK = 512
_MAX_OCTAL_7 = 0o7777777
_MAX_OCTAL_11 = 0o77777777777
_USTAR = b"ustar\x0000"
_NO_DEVICE = (0, 0)


def byte_sum(data: bytes) -> int:
    """Return the sum of at most 512 bytes, of which a header's checksum is made.

    >>> byte_sum(b"\\x01\\x02\\xff")
    258
    """
    # The lower half of Adler-32 is one more than the sum of the bytes, modulo 65521: exact for 256 bytes, and several
    # times as fast as `sum`, which would take half of all the time that reading and writing headers does.
    return (adler32(data[:256]) & 0xFFFF) + (adler32(data[256:]) & 0xFFFF) - 2


@lru_cache(256)
def _tail(
    flag: bytes, link: bytes = b"", prefix: bytes = b"", device: tuple[int, int] = _NO_DEVICE
) -> tuple[bytes, int]:
    """Return what follows the checksum, and the sum of its bytes and the checksum's own; mostly the same for
    neighbours.
    """
    tail = b"".join(
        (
            flag,
            link.ljust(100, b"\0"),
            _USTAR,
            bytes(64),  # user and group names
            b"%07o\0%07o\0" % device,
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    # The checksum counts its own eight bytes as spaces.
    return tail, byte_sum(tail) + 8 * 0x20


_PAX_FLAG = b"x"


@lru_cache(256)
def _mode_and_owner(mode: int, uid: int, gid: int) -> bytes:
    """Return three fields that are the same for most members of a tar."""
    return b"%07o\0%07o\0%07o\0" % (mode, uid, gid)


def _header(
    name: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    flag: bytes,
    link: bytes = b"",
    prefix: bytes = b"",
    device: tuple[int, int] = _NO_DEVICE,
) -> bytes:
    head = b"%b%b%011o\0%011o\0" % (name.ljust(100, b"\0"), _mode_and_owner(mode, uid, gid), size, mtime)
    tail, total = _tail(flag, link, prefix, device)
    # As `byte_sum`, of 148 bytes.
    return head + b"%06o\0 " % ((adler32(head) & 0xFFFF) - 1 + total) + tail


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Cut a long name at a slash into ustar's prefix and name; None when it does not fit."""
    cut = name.rfind(b"/", 0, 156)
    if cut <= 0 or not 0 < len(name) - cut - 1 <= 100:
        return None
    return name[:cut], name[cut + 1 :]


def _is_plain(name: bytes) -> bool:
    """Return whether a name needs no pax record for its characters: ASCII, or bytes that pax could not carry either."""
    if name.isascii():
        return True
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _encode(text: str, what: str) -> bytes:
    if "\0" in text:
        raise InvalidPath(f"{what} may not hold a NUL: {text[:200]!r}")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidPath(f"{what} cannot be written as bytes: {text[:200]!r}") from None


def _check_lengths(name: bytes, path: str) -> None:
    """Raise `InvalidPath` for a path that no file system could hold, or that would be refused when it is read."""
    if len(name) >= MAX_PATH:
        raise InvalidPath(f"a path of {len(name)} bytes; at most {MAX_PATH} are taken: {path[:200]!r}")
    longest = max(name.split(b"/"), key=len)
    if len(longest) > MAX_NAME:
        raise InvalidPath(f"a name in a path has {len(longest)} bytes; at most {MAX_NAME} are taken: {path[:400]!r}")


def encode_header(entry: TarEntry, path: str) -> bytes:
    """Return the header blocks of an entry under `path`: one of 512 bytes, with a pax header before it where one is
    needed.

    Times before 1970 become 1970. Raises `InvalidPath` for a path or link target that cannot be written, `ValueError`
    for a negative number or a device's number beyond those that systems have.
    """
    _, kind, mode, size, mtime, target, uid, gid, device, xattrs = entry
    if (
        kind is EntryType.FILE
        and len(path) <= 100
        and path.isascii()
        and "\0" not in path
        and 0 <= size <= _MAX_OCTAL_11
        and 0 <= mtime <= _MAX_OCTAL_11
        and 0 <= uid <= _MAX_OCTAL_7
        and 0 <= gid <= _MAX_OCTAL_7
        and device == _NO_DEVICE
        and not xattrs
    ):
        # The way of nearly all entries.
        return _header(path.encode(), mode & 0o7777, uid, gid, size, mtime, b"0")
    name = _encode(path, "a path")
    if len(name) > MAX_NAME:
        _check_lengths(name, path)
    if kind is EntryType.DIRECTORY:
        name += b"/"
    link = b""
    if kind is EntryType.SYMLINK or kind is EntryType.HARDLINK:
        link = _encode(target, "the target of a link")
        if len(link) > MAX_PATH:
            raise InvalidPath(f"the link {path[:200]!r} has a target of {len(link)} bytes; at most {MAX_PATH} can be")
        if not link:
            raise InvalidPath(f"the link {path!r} has no target")
    if kind is not EntryType.FILE:
        size = 0
    mtime = max(mtime, 0)
    numbers_fit = device == _NO_DEVICE or 0 <= min(device) <= max(device) <= _MAX_OCTAL_7
    if size < 0 or uid < 0 or gid < 0 or not numbers_fit:
        raise ValueError(f"{path}: a number that no tar can hold: size {size}, owner {uid}:{gid}, device {device}")
    records: list[bytes] = []
    prefix = b""
    if len(name) > 100 or not _is_plain(name):
        split = _split(name) if name.isascii() else None
        if split is not None:
            prefix, name = split
        else:
            records.append(pax_record(b"path", name))
            name = name[:100]
    if len(link) > 100 or not _is_plain(link):
        records.append(pax_record(b"linkpath", link))
        link = link[:100]
    if size > _MAX_OCTAL_11:
        records.append(pax_record(b"size", b"%d" % size))
        size = 0
    if mtime > _MAX_OCTAL_11:
        records.append(pax_record(b"mtime", b"%d" % mtime))
        mtime = 0
    if uid > _MAX_OCTAL_7:
        records.append(pax_record(b"uid", b"%d" % uid))
        uid = 0
    if gid > _MAX_OCTAL_7:
        records.append(pax_record(b"gid", b"%d" % gid))
        gid = 0
    for key, value in sorted(xattrs.items()) if xattrs else ():
        if "=" in key:
            raise InvalidPath(f"the name of an attribute may not hold '=': {key[:200]!r}")
        records.append(pax_record(_encode(XATTR + key, "the name of an attribute"), value))
    header = _header(name, mode & 0o7777, uid, gid, size, mtime, kind._value_, link, prefix, device)
    if not records:
        return header
    body = b"".join(records)
    if len(body) > MAX_EXTENSION:
        raise InvalidPath(f"the attributes of {path[:200]!r} have {len(body)} bytes; at most {MAX_EXTENSION} are taken")
    pax = _header(b"././@PaxHeader", 0o644, 0, 0, len(body), 0, _PAX_FLAG)
    return pax + body + bytes(-len(body) % _BLOCK) + header
