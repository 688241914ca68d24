"""TarReader: the members of a tar stream, one after another, with bounded memory whatever the stream holds."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from typing import BinaryIO

from python_docker.errors import InvalidLayer
from python_docker.tar.content import BUFFER, READ_SIZE, Content, ReadAhead, Unreadable, ends_within
from python_docker.tar.decode import (
    GNU_SPARSE,
    TYPES,
    decode_entry,
    describe_rare,
    is_sparse,
    sparse_entry,
    without_times_and_owners,
)
from python_docker.tar.entry import EntryType, TarEntry
from python_docker.tar.fields import HEADER, check_sum, number
from python_docker.tar.pax import MAX_EXTENSION, SPARSE, parse_pax

_BLOCK = 512
# Bytes up to which a content is read at once where it cannot be passed over: a lazy reader would cost more.
_SMALL = 128 << 10
_MAX_SEEK = 1 << 62
_ZERO_BLOCK = bytes(_BLOCK)


class TarReader:
    """Iterates over the members of an uncompressed tar `stream`: pairs of `TarEntry` and a reader of its content.

    A content can be read until the next member is asked for. Paths are given as they stand in the archive (see
    `contained_path` and `clamped_path`), only without a trailing slash. `offset` is where the current content starts,
    in bytes from the first that was read. The stream is read a little beyond the current member, or moved on by
    `seek` where it can, and left open. Raises `InvalidLayer` for what is not a tar, is cut short, holds a path of more
    than 4096 bytes, or has members that layers may not hold (image-spec, layer.md).

    With `lenient` such members are passed over, and `rare` has a path for each kind of them: sparse files are given,
    but cannot be read, and what is not a file at all, such as a volume label, is not given. `times_and_owners` says
    whether these matter: if not, one in a pax record that cannot be understood is the header's, and one there is 0.

    >>> import tarfile
    >>> archive = io.BytesIO()
    >>> with tarfile.open(fileobj=archive, mode="w") as tar:
    ...     tar.addfile(tarfile.TarInfo("empty"))
    >>> [entry.path for entry, content in TarReader(io.BytesIO(archive.getvalue()))]
    ['empty']
    """

    def __init__(self, stream: BinaryIO, *, lenient: bool = False, times_and_owners: bool = True) -> None:
        self._seekable = stream if stream.seekable() else None
        self._ahead = ReadAhead(stream) if self._seekable is None else None
        self._stream = self._ahead or stream
        self._position = 0
        self._defaults: dict[str, bytes] = {}
        self._lenient = lenient
        self._times_and_owners = times_and_owners
        self.offset = 0
        self.rare: dict[str, str] = {}

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
        if self._seekable is not None and size > BUFFER:
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
            # Seeking beyond the end is not an error: only a read finds out.
            size = 1
        while size:
            size -= len(self._exactly(min(size, READ_SIZE)))

    def __iter__(self) -> Iterator[tuple[TarEntry, BinaryIO]]:
        for entry, content in self.members():
            yield entry, io.BytesIO(content) if isinstance(content, bytes) else content

    def members(self) -> Iterator[tuple[TarEntry, bytes | BinaryIO]]:
        """Yield what iterating does, but contents that are small, and so already read, as bytes."""
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
            fields = HEADER.unpack(block)
            check_sum(block, fields[6])
            flag = fields[7]
            size = number(fields[4], "a size")
            if flag in b"xgLK":
                extended += size
                if not 0 <= extended <= MAX_EXTENSION:
                    raise InvalidLayer(f"headers of {extended} bytes in the tar; at most {MAX_EXTENSION} are read")
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
            if self._lenient and (flag not in TYPES or (pax and is_sparse(pax))):
                rare, size = self._rare(block, fields, size, pax, long_name, long_link)
                pax, long_name, long_link, extended = self._defaults, None, None, 0
                if rare is not None:
                    yield rare, Unreadable(f"{rare.path[:200]!r}, a GNU sparse file,")
                self._skip(size)
                padding = -size % _BLOCK
                continue
            try:
                entry = decode_entry(fields, size, pax, long_name, long_link)
            except InvalidLayer:
                if self._times_and_owners:
                    raise
                plain_fields, plain = without_times_and_owners(fields, pax)
                entry = decode_entry(plain_fields, size, plain, long_name, long_link)
            pax, long_name, long_link, extended = self._defaults, None, None, 0
            size = entry.size
            padding = -size % _BLOCK
            if ahead is None:
                self.offset = self._position
                content = Content(self._take, size, entry.path)
            else:
                self.offset = ahead.before + ahead.at
                if size <= _SMALL:
                    data = ahead.read(size) if size else b""
                    if len(data) < size:
                        raise ends_within(entry.path)
                    yield entry, data
                    continue
                content = Content(ahead.read, size, entry.path, ahead.read1)
            yield entry, content
            if content.left:
                self._skip(content.left)

    def _rare(
        self,
        block: bytes,
        fields: tuple[bytes, ...],
        size: int,
        pax: dict[str, bytes],
        long_name: bytes | None,
        long_link: bytes | None,
    ) -> tuple[TarEntry | None, int]:
        """Return the entry of a sparse file, None for what is not a file, and how many bytes follow its header."""
        flag = fields[7]
        plain = {key: value for key, value in pax.items() if not key.startswith(SPARSE)}
        as_file = (*fields[:7], EntryType.FILE.value, *fields[8:])
        entry = decode_entry(as_file, size, plain, long_name, long_link)
        size = entry.size
        if flag == GNU_SPARSE or flag in TYPES:
            entry = sparse_entry(entry, block, pax)
        self.rare.setdefault(describe_rare(flag), entry.path)
        if flag == GNU_SPARSE:
            # The list of its parts may go on in blocks of its own (GNU tar, src/tar.h, struct sparse_header).
            more = block[482]
            while more:
                more = self._exactly(_BLOCK)[504]
        elif flag not in TYPES:
            return None, size
        return entry, size
