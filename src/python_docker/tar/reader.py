"""TarReader: the members of a tar stream, one after another, with bounded memory whatever the stream holds."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import BinaryIO

from python_docker.errors import InvalidLayer
from python_docker.files.stream import ReadStream
from python_docker.tar.entry import NO_XATTRS, EntryType, TarEntry
from python_docker.tar.header import byte_sum
from python_docker.tar.pax import SPARSE, XATTR, parse_pax, pax_number

_BLOCK = 512
_MAX_EXTENSION = 1 << 20  # bytes of pax headers and long names before one member; honest ones have some hundred
_MAX_PATH = 4096  # bytes, as Linux; what is longer can be put nowhere
_BUFFER = 256 << 10
_READ_SIZE = 1 << 20
# Bytes up to which a content is read at once where it cannot be passed over: a lazy reader would cost more.
_SMALL = 128 << 10
_MAX_SEEK = 1 << 62
_TYPES = {member.value: member for member in EntryType} | {b"\0": EntryType.FILE, b"7": EntryType.FILE}
_LINKS = (EntryType.SYMLINK, EntryType.HARDLINK)
_DEVICES = (EntryType.CHARACTER_DEVICE, EntryType.BLOCK_DEVICE)
_ZERO_BLOCK = bytes(_BLOCK)
# name, mode, uid, gid, size, mtime, checksum, type, link, magic, major, minor, prefix
_HEADER = Struct("100s8s8s8s12s12s8s1s100s6s66x8s8s155s12x")


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes, what: str) -> int:
    """An octal number, or GNU's base-256 form of a large one."""
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
def _time(field: bytes) -> int:
    """When a member was changed: mostly the same for neighbours."""
    return _number(field, "a time")


@lru_cache(256)
def _mode_and_owner(mode: bytes, uid: bytes, gid: bytes) -> tuple[int, int, int]:
    """Three numbers that are the same for most members of a tar."""
    return _number(mode, "a mode") & 0o7777, _number(uid, "a user ID"), _number(gid, "a group ID")


class _ReadAhead:
    """Reads a stream that cannot seek in large pieces. Unlike `io.BufferedReader` it leaves the stream open.

    `data` is the piece in hand, of which `at` bytes have been taken, and `before` what came before it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0
        self.before = 0

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        end = self.at + size
        data = self.data[self.at : end]
        self.at = end
        if len(data) == size:
            return data
        pieces = [data]
        left = size - len(data)
        while left:
            self.before += len(self.data)
            self.data = self._stream.read(max(left, _BUFFER))
            if not self.data:
                self.at = 0
                break
            pieces.append(self.data[:left])
            self.at = len(pieces[-1])
            left -= self.at
        return b"".join(pieces)

    def read1(self, size: int) -> bytes:
        """Up to `size` bytes, as many as can be had without putting pieces together; none only at the end."""
        if self.at >= len(self.data):
            self.before += len(self.data)
            self.data, self.at = self._stream.read(_BUFFER), 0
        data = self.data[self.at : self.at + size]
        self.at += len(data)
        return data


class _Content(ReadStream):
    """The content of the current member."""

    def __init__(
        self, take: Callable[[int], bytes], size: int, path: str, take_some: Callable[[int], bytes] | None = None
    ) -> None:
        super().__init__()
        self._take = take
        self._take_some = take_some or take
        self._path = path
        self.left = size

    def read(self, size: int | None = -1) -> bytes:
        left = self.left
        everything = size is None or size < 0
        if everything and left > _READ_SIZE:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        wanted = left if size is None or not 0 <= size <= left else size
        if not wanted:
            return b""
        data = self._take(wanted)
        if not data:
            raise _ends_within(self._path)
        self.left = left = left - len(data)
        return data + self.read() if everything and left else data

    def read1(self, size: int = -1) -> bytes:
        """As `read`, but as many bytes as come without being copied once more."""
        left = self.left
        data = self._take_some(size if 0 <= size < left else left)
        if left and not data:
            raise _ends_within(self._path)
        self.left = left - len(data)
        return data


def _ends_within(path: str) -> InvalidLayer:
    return InvalidLayer(f"the tar ends within {path[:200]!r}")


class TarReader:
    """Iterates over the members of an uncompressed tar `stream`: pairs of `TarEntry` and a reader of its content.

    A content can be read until the next member is asked for. Paths are given as they stand in the archive (see
    `contained_path` and `clamped_path`), only without a trailing slash. `offset` is where the current content starts,
    in bytes from the first that was read. The stream is read a little beyond the current member, or moved on by
    `seek` where it can, and left open. Raises `InvalidLayer` for what is no tar, is cut short, holds a path of more
    than 4096 bytes, or uses GNU's sparse files, which layers may not (image-spec, layer.md).

    >>> import tarfile
    >>> archive = io.BytesIO()
    >>> with tarfile.open(fileobj=archive, mode="w") as tar:
    ...     tar.addfile(tarfile.TarInfo("empty"))
    >>> [entry.path for entry, content in TarReader(io.BytesIO(archive.getvalue()))]
    ['empty']
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._seekable = stream if stream.seekable() else None
        self._ahead = _ReadAhead(stream) if self._seekable is None else None
        self._stream = self._ahead or stream
        self._position = 0
        self._defaults: dict[str, bytes] = {}
        self.offset = 0

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._take(size)
        if len(data) < size:
            raise InvalidLayer("the tar is cut short")
        return data

    def _skip(self, size: int) -> None:
        if self._seekable is not None and size > _BUFFER:
            try:
                if size > _MAX_SEEK:
                    raise OverflowError
                self._seekable.seek(size - 1, io.SEEK_CUR)
            except OverflowError:
                raise InvalidLayer("the tar is cut short") from None
            except OSError as error:
                if error.errno != errno.EINVAL:  # further than any file can go
                    raise
                raise InvalidLayer("the tar is cut short") from None
            self._position += size - 1
            # To seek beyond the end is no error: only a read tells.
            size = 1
        while size:
            size -= len(self._exactly(min(size, _READ_SIZE)))

    def __iter__(self) -> Iterator[tuple[TarEntry, BinaryIO]]:
        for entry, content in self.members():
            yield entry, io.BytesIO(content) if isinstance(content, bytes) else content

    def members(self) -> Iterator[tuple[TarEntry, bytes | BinaryIO]]:
        """As iterating, but a content that is read already, since it is small, comes as bytes."""
        pax: dict[str, bytes] = self._defaults
        long_name: bytes | None = None
        long_link: bytes | None = None
        extended = 0
        padding = 0
        ahead = self._ahead
        while True:
            end = ahead.at + padding + _BLOCK if ahead is not None else 0
            if ahead is not None and end <= len(ahead.data):
                # The way of nearly all headers of a stream.
                block = ahead.data[end - _BLOCK : end]
                ahead.at = end
            else:
                block = self._take(padding + _BLOCK)
                if len(block) < padding:
                    # umoci ends the tars of `insert` like this, and readers in Go take them.
                    return
                block = block[padding:]
            padding = 0
            if len(block) < _BLOCK:
                if block or extended:
                    raise InvalidLayer("the tar is cut short")
                # Engines accept an archive without its end blocks, and an empty file.
                return
            if block == _ZERO_BLOCK:
                return
            fields = _HEADER.unpack(block)
            _check_sum(block, fields[6])
            flag = fields[7]
            size = _number(fields[4], "a size")
            if flag in b"xgLK":
                extended += size
                if not 0 <= extended <= _MAX_EXTENSION:
                    raise InvalidLayer(f"headers of {extended} bytes in the tar; at most {_MAX_EXTENSION} are read")
                body = self._exactly(size)
                self._skip(-size % _BLOCK)
                if flag == b"g":
                    records = parse_pax(body, for_all=True)
                    self._defaults = self._defaults | records
                    pax = records | pax
                elif flag == b"x":
                    pax = pax | parse_pax(body)
                elif flag == b"L":
                    long_name = body.partition(b"\0")[0]
                else:
                    long_link = body.partition(b"\0")[0]
                continue
            entry = _entry(fields, size, pax, long_name, long_link)
            pax, long_name, long_link, extended = self._defaults, None, None, 0
            size = entry.size
            padding = -size % _BLOCK
            if ahead is None:
                self.offset = self._position
                content = _Content(self._take, size, entry.path)
            else:
                self.offset = ahead.before + ahead.at
                if size <= _SMALL:
                    data = ahead.read(size) if size else b""
                    if len(data) < size:
                        raise _ends_within(entry.path)
                    yield entry, data
                    continue
                content = _Content(ahead.read, size, entry.path, ahead.read1)
            yield entry, content
            if content.left:
                self._skip(content.left)


def _check_sum(block: bytes, field: bytes) -> None:
    # The checksum's own bytes count as spaces.
    total = byte_sum(block) - sum(field) + 8 * 0x20
    if field == b"%06o\0 " % total:
        return  # as all of today write it
    try:
        stated = _number(field, "a checksum")
    except InvalidLayer:
        stated = -1
    if total == stated:
        return
    # Some systems of old added signed bytes.
    signed = sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 8 * 0x20
    if signed != stated:
        raise InvalidLayer("not a tar, or a damaged one: a header's checksum is wrong")


def _entry(
    fields: tuple[bytes, ...],
    size: int,
    pax: Mapping[str, bytes],
    long_name: bytes | None,
    long_link: bytes | None,
) -> TarEntry:
    name, mode_, uid_, gid_, _, mtime, _, flag, link, magic, major, minor, prefix = fields
    if flag == b"0" and not pax and long_name is None and prefix[0] == 0 and size >= 0:
        path = name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        if path[-1:] != "/":
            # The way of nearly all members.
            mode, uid, gid = _mode_and_owner(mode_, uid_, gid_)
            return TarEntry(path, EntryType.FILE, mode, size, _time(mtime), "", uid, gid)
    kind = _TYPES.get(flag)
    if flag == b"S" or (pax and any(key.startswith(SPARSE) for key in pax)):
        raise InvalidLayer("the tar holds GNU sparse files, which layers may not")
    if kind is None:
        raise InvalidLayer(f"the tar holds a member of unknown type {flag!r}")
    # GNU's own format, told by its magic, keeps other things where ustar has the prefix.
    prefix = prefix if prefix[0] and magic == b"ustar\0" else b""
    path = _path(name, prefix, long_name, pax.get("path"))
    target = _path(link, b"", long_link, pax.get("linkpath")) if kind in _LINKS else ""
    mode, uid, gid = _mode_and_owner(mode_, uid_, gid_)
    xattrs: Mapping[str, bytes] = NO_XATTRS
    if pax:
        if pax.get("size"):
            size = pax_number(pax["size"], "a size")
        xattrs = {key.removeprefix(XATTR): value for key, value in pax.items() if key.startswith(XATTR)}
        uid = pax_number(pax["uid"], "a user ID") if pax.get("uid") else uid
        gid = pax_number(pax["gid"], "a group ID") if pax.get("gid") else gid
    if size < 0:
        raise InvalidLayer("damaged tar: a negative size")
    if path.endswith("/"):
        if flag == b"\0":
            # So did tar before it had a flag for folders.
            kind = EntryType.DIRECTORY
            if size:
                raise InvalidLayer(f"damaged tar: the folder {path[:200]!r} has content")
        path = path.rstrip("/") or "/"
    return TarEntry(
        path,
        kind,
        mode,
        # A link's header may state its target's size, but no content follows.
        size if kind is EntryType.FILE else 0,
        pax_number(pax["mtime"], "a time") if pax.get("mtime") else _time(mtime),
        target,
        uid,
        gid,
        (_number(major, "a device"), _number(minor, "a device")) if kind in _DEVICES else (0, 0),
        xattrs,
    )


def _path(field: bytes, prefix: bytes, long: bytes | None, record: bytes | None) -> str:
    """A path from a pax record (an empty one says nothing), GNU's long form, or the header itself."""
    raw = record or long
    if raw is None:
        path = _text(field)
        return f"{_text(prefix)}/{path}" if prefix else path
    if len(raw) > _MAX_PATH:
        raise InvalidLayer(f"a path of {len(raw)} bytes in the tar; at most {_MAX_PATH} are read")
    if b"\0" in raw:
        raise InvalidLayer("damaged tar: a NUL in a path")
    return raw.decode("utf-8", "surrogateescape")
