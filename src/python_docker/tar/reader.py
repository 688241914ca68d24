"""TarReader: the members of a tar stream, one after another, with bounded memory whatever the stream holds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from python_docker.errors import InvalidLayer
from python_docker.tar.entry import EntryType, TarEntry

_BLOCK = 512
_MAX_EXTENSION = 1 << 20  # a pax header or long name; honest ones have some hundred bytes
_BUFFER = 256 << 10
_TYPES = {member.value: member for member in EntryType} | {b"\0": EntryType.FILE, b"7": EntryType.FILE}
_ZERO_BLOCK = bytes(_BLOCK)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes, what: str) -> int:
    """An octal number, or GNU's base-256 form of a large one."""
    if field[0] in (0x80, 0xFF):
        return int.from_bytes(field[1:], "big") - (1 << (8 * (len(field) - 1)) if field[0] == 0xFF else 0)
    digits = field.strip(b" \0")
    # int() would also take signs, underscores and inner blanks.
    if not digits:
        return 0
    if not digits.isdigit():
        raise InvalidLayer(f"damaged tar: {what} is {digits[:16]!r}")
    try:
        return int(digits, 8)
    except ValueError:
        raise InvalidLayer(f"damaged tar: {what} is {digits[:16]!r}") from None


def _parse_pax(body: bytes) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    position = 0
    while position < len(body):
        space = body.find(b" ", position, position + 12)
        digits = body[position:space] if space > 0 else b""
        if not digits.isdigit():
            raise InvalidLayer("damaged tar: a pax header without lengths")
        end = position + int(digits)
        record = body[space + 1 : end]
        key, equals, value = record.partition(b"=")
        if end > len(body) or not equals or not value.endswith(b"\n"):
            raise InvalidLayer("damaged tar: a pax record that is cut short")
        records[key.decode("utf-8", "surrogateescape")] = value[:-1]
        position = end
    return records


def _pax_number(value: bytes, what: str) -> int:
    try:
        # Times may be fractions of seconds.
        return int(float(value)) if b"." in value else int(value)
    except (ValueError, OverflowError):
        raise InvalidLayer(f"damaged tar: {what} is {value[:24]!r}") from None


class _Content(io.RawIOBase):
    """The content of the current member."""

    def __init__(self, read: Callable[[int], bytes], size: int, path: str) -> None:
        self._read = read
        self._path = path
        self.left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        if not size:
            return b""
        data = self._read(size)
        if not data:
            raise InvalidLayer(f"the tar ends within {self._path[:200]!r}")
        self.left -= len(data)
        return data

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(1 << 20), b""))

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class TarReader:
    """Iterates over the members of an uncompressed tar `stream`: pairs of `TarEntry` and a reader of its content.

    A content can be read until the next member is asked for. Paths are given as they stand in the archive (see
    `contained_path` and `clamped_path`), only without a trailing slash. `offset` is where the current content starts,
    in bytes from the first that was read. Raises `InvalidLayer` for what is no tar, is cut short, or uses GNU's sparse files,
    which layers may not (image-spec, layer.md).

    >>> import tarfile
    >>> archive = io.BytesIO()
    >>> with tarfile.open(fileobj=archive, mode="w") as tar:
    ...     tar.addfile(tarfile.TarInfo("empty"))
    >>> [entry.path for entry, content in TarReader(io.BytesIO(archive.getvalue()))]
    ['empty']
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._seekable = stream.seekable()
        self._stream = (
            stream if self._seekable else cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER))
        )
        self._position = 0
        self._defaults: dict[str, bytes] = {}
        self.offset = 0

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._take(size)
        while len(data) < size:
            more = self._take(size - len(data))
            if not more:
                raise InvalidLayer("the tar is cut short")
            data += more
        return data

    def _skip(self, size: int) -> None:
        if self._seekable and size > _BUFFER:
            # Past the end is found out by the next read.
            self._stream.seek(size, io.SEEK_CUR)
            self._position += size
            return
        while size:
            data = self._take(min(size, 1 << 20))
            if not data:
                raise InvalidLayer("the tar is cut short")
            size -= len(data)

    def _extension(self, size: int) -> bytes:
        if size > _MAX_EXTENSION:
            raise InvalidLayer(f"a header of {size} bytes in the tar; at most {_MAX_EXTENSION} are read")
        body = self._exactly(size)
        self._skip(-size % _BLOCK)
        return body

    def __iter__(self) -> Iterator[tuple[TarEntry, BinaryIO]]:
        pax: dict[str, bytes] = dict(self._defaults)
        long_name: bytes | None = None
        long_link: bytes | None = None
        while True:
            block = self._take(_BLOCK)
            if not block and self._position:
                # Engines accept an archive without its end blocks.
                return
            if len(block) < _BLOCK:
                if self._position == 0:
                    return
                block += self._exactly(_BLOCK - len(block))
            if block == _ZERO_BLOCK:
                return
            stated = _number(block[148:156], "a checksum")
            if sum(block) - sum(block[148:156]) + 256 != stated:
                raise InvalidLayer("not a tar, or a damaged one: a header's checksum is wrong")
            flag = block[156:157]
            size = _number(block[124:136], "a size")
            if size < 0:
                raise InvalidLayer("damaged tar: a negative size")
            if flag in (b"x", b"g"):
                records = _parse_pax(self._extension(size))
                if flag == b"g":
                    self._defaults |= records
                pax |= records
                continue
            if flag in (b"L", b"K"):
                body = self._extension(size).partition(b"\0")[0]
                if flag == b"L":
                    long_name = body
                else:
                    long_link = body
                continue
            entry = self._entry(block, flag, size, pax, long_name, long_link)
            pax, long_name, long_link = dict(self._defaults), None, None
            # A link's header may state its target's size, but no content follows.
            content = _Content(self._take, entry.size, entry.path)
            self.offset = self._position
            yield entry, cast("BinaryIO", content)
            self._skip(content.left + -entry.size % _BLOCK)

    def _entry(
        self,
        block: bytes,
        flag: bytes,
        size: int,
        pax: dict[str, bytes],
        long_name: bytes | None,
        long_link: bytes | None,
    ) -> TarEntry:
        if flag == b"S" or any(key.startswith("GNU.sparse") for key in pax):
            raise InvalidLayer("the tar holds GNU sparse files, which layers may not")
        kind = _TYPES.get(flag)
        if kind is None:
            raise InvalidLayer(f"the tar holds a member of unknown type {flag!r}")
        if "path" in pax:
            path = pax["path"].decode("utf-8", "surrogateescape")
        elif long_name is not None:
            path = long_name.decode("utf-8", "surrogateescape")
        else:
            path = _text(block[:100])
            # GNU's own format, told by its magic, keeps other things where ustar has the prefix.
            if block[257:263] == b"ustar\0" and block[345] and (prefix := _text(block[345:500])):
                path = f"{prefix}/{path}"
        if "linkpath" in pax:
            link = pax["linkpath"].decode("utf-8", "surrogateescape")
        elif long_link is not None:
            link = long_link.decode("utf-8", "surrogateescape")
        else:
            link = _text(block[157:257])
        if path.endswith("/"):
            if kind is EntryType.FILE:
                kind = EntryType.DIRECTORY  # so did tar before it had a flag for them
            path = path.rstrip("/") or "/"
        if "\0" in path or "\0" in link:
            raise InvalidLayer("damaged tar: a NUL in a path")
        xattrs = {key[13:]: value for key, value in pax.items() if key.startswith("SCHILY.xattr.")} if pax else {}
        if "size" in pax:
            size = _pax_number(pax["size"], "a size")
            if size < 0:
                raise InvalidLayer("damaged tar: a negative size")
        device = (0, 0)
        if kind in (EntryType.CHARACTER_DEVICE, EntryType.BLOCK_DEVICE):
            device = (_number(block[329:337], "a device"), _number(block[337:345], "a device"))
        return TarEntry(
            path,
            kind,
            _number(block[100:108], "a mode") & 0o7777,
            size if kind is EntryType.FILE else 0,
            _pax_number(pax["mtime"], "a time") if "mtime" in pax else _number(block[136:148], "a time"),
            link if kind in (EntryType.SYMLINK, EntryType.HARDLINK) else "",
            _pax_number(pax["uid"], "a user ID") if "uid" in pax else _number(block[108:116], "a user ID"),
            _pax_number(pax["gid"], "a group ID") if "gid" in pax else _number(block[116:124], "a group ID"),
            device,
            xattrs,
        )
