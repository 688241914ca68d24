"""Prefix replacement: the prefix that a package was built with becomes the one it is installed to.

Rules of rattler and conda: text is replaced anywhere and may change its length; in a binary a C string is replaced as
a whole, its end moves forward, and NULs keep the file's size. Both look for the placeholder in UTF-8 and, since some
programs keep wide strings, in UTF-16 and UTF-32 of both byte orders.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from conda_docker.errors import PlaceholderTooLong
from conda_docker.link.pieces import PieceReader

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_CHUNK = 256 << 10
_MAX_SHEBANG = 127  # bytes of a first line that Linux runs (fs/binfmt_script.c), without its newline
_SHEBANG = re.compile(rb"#! *(/(?:\\ |[^ \n\r\t])*)([^\n]*)\Z")
_PYTHON = re.compile(rb"python(?:\d+(?:\.\d+)?)?\Z")


def replace_text(content: bytes, placeholder: str, prefix: str) -> bytes:
    """`content` with every occurrence replaced, and a first line that Linux can run.

    >>> replace_text(b"#!/build/bin/sh\\ncd /build\\n", "/build", "/opt/conda")
    b'#!/opt/conda/bin/sh\\ncd /opt/conda\\n'
    """
    if not placeholder:
        return content
    if content.startswith(b"#!"):
        end = content.find(b"\n")
        end = len(content) if end < 0 else end
        line = replace_shebang(content[:end], placeholder.encode(), prefix.encode())
        return line + _replace_everywhere(content[end:], placeholder, prefix)
    return _replace_everywhere(content, placeholder, prefix)


def _replace_everywhere(content: bytes, placeholder: str, prefix: str) -> bytes:
    for encoding in _ENCODINGS:
        content = content.replace(placeholder.encode(encoding), prefix.encode(encoding))
    return content


def replace_shebang(line: bytes, old: bytes, new: bytes) -> bytes:
    """Return the first line of a script with a path replaced, in a form that Linux can run."""
    if b" " in new:
        # Split at the wrong place by Linux, so the interpreter must be told in another way.
        return _without_path(line).replace(old, new) if old in line else line
    line = line.replace(old, new)
    return line if len(line) <= _MAX_SHEBANG else _without_path(line)


def _without_path(line: bytes) -> bytes:
    """Return a first line that finds its interpreter whatever the length and the spaces of its path."""
    match = _SHEBANG.match(line)
    if match is None:
        return line
    path, options = match.groups()
    name = path.rpartition(b"/")[2]
    if _PYTHON.match(name):
        # Read by sh it runs the interpreter; read by Python it is a string.
        return b"#!/bin/sh\n'''exec' \"%b\"%b \"$0\" \"$@\" #'''" % (path, options)
    return b"#!/usr/bin/env %b%b" % (name, options)


def replace_binary(content: bytes, placeholder: str, prefix: str, what: str) -> bytes:
    """`content` with the C strings that hold the placeholder replaced; it keeps its size.

    Raises `PlaceholderTooLong`, naming `what`, when `prefix` is longer than a placeholder that is there.

    >>> replace_binary(b"a:/build/lib:/build\\0b", "/build", "/opt", "libz.so")
    b'a:/opt/lib:/opt\\x00\\x00\\x00\\x00\\x00b'
    """
    if not placeholder:
        return content
    for encoding in _ENCODINGS:
        old = placeholder.encode(encoding)
        if old in content:
            strings = _Strings(placeholder, prefix, encoding, what)
            content = strings.feed(content) + strings.end()
    return content


class _Strings:
    """Replaces in strings of one encoding, fed in pieces; holds back no more than a placeholder's length."""

    def __init__(self, placeholder: str, prefix: str, encoding: str, what: str) -> None:
        self._old = placeholder.encode(encoding)
        self._new = prefix.encode(encoding)
        self._nul = "\0".encode(encoding)
        self._shrink = len(self._old) - len(self._new)
        self._swapped = placeholder.encode(encoding.replace("-le", "-be")) if encoding.endswith("-le") else b""
        self._too_long = (
            f"{what}: the prefix {prefix!r} has {len(prefix.encode())} bytes, but the package has room for "
            f"{len(placeholder.encode())}; choose a shorter one with --prefix-in-image"
        )
        self._padding: int | None = None  # NULs that the current string needs at its end; None outside of strings
        self._rest = b""
        self._before = b""
        self._offset = 0

    def feed(self, piece: bytes, *, last: bool = False) -> bytes:
        """Return what can be given of all that came so far."""
        content = self._rest + piece
        old, nul = self._old, self._nul
        done: list[bytes] = []
        position = 0
        while True:
            if self._padding is None:
                found = self._find_first(content, position)
                if found < 0:
                    break
                if self._shrink < 0:
                    raise PlaceholderTooLong(self._too_long)
                done.append(content[position:found])
                position = found
                self._padding = 0
            end = _find_aligned(content, nul, position)
            parts = content[position : end if end >= 0 else len(content)].split(old)
            self._padding += (len(parts) - 1) * self._shrink
            if end < 0:
                # The string goes on, perhaps with another placeholder that has only begun.
                position = len(content) - len(parts.pop())
                done += (part + self._new for part in parts)
                break
            done += (self._new.join(parts), bytes(self._padding))
            self._padding = None
            position = end
        keep = len(content) if last else max(position, len(content) - len(old) + 1)
        if self._padding is not None:
            keep -= (keep - position) % len(nul)
        done.append(content[position:keep])
        self._before = (self._before + content[max(keep - len(nul), 0) : keep])[-len(nul) :]
        self._offset += keep
        self._rest = content[keep:]
        return b"".join(done)

    def _find_first(self, content: bytes, position: int) -> int:
        """Return where the next string's placeholder is, -1 for none.

        In a big-endian string, the little-endian placeholder seems to be too, one character's last byte later. Then
        the one that is aligned as wide strings are in memory is the right one.
        """
        width = len(self._nul)
        while (found := content.find(self._old, position)) >= 0:
            shift = width - 1
            if not self._swapped or (self._offset + found) % width == 0:
                return found
            before = (self._before + content[:found])[-shift:] if found < shift else content[found - shift : found]
            if before + content[found : found + len(self._old) - shift] != self._swapped:
                return found
            position = found + 1
        return -1

    def end(self) -> bytes:
        """Return what is left."""
        return self.feed(b"", last=True) + self._rest + bytes(self._padding or 0)


def _find_aligned(content: bytes, nul: bytes, start: int) -> int:
    """Return where the terminator of a string that starts at `start` is; -1 if there is none."""
    found = content.find(nul, start)
    while found >= 0 and (found - start) % len(nul):
        found = content.find(nul, found + 1)
    return found


def replace_large_binary(content: BinaryIO, placeholder: str, prefix: str, what: str) -> BinaryIO:
    """Return a stream like `content` with its C strings replaced, as `replace_binary` does, in bounded memory.

    Reading raises `PlaceholderTooLong`, naming `what`.
    """
    pieces: Iterator[bytes] = iter(lambda: content.read(_CHUNK), b"")
    for encoding in _ENCODINGS if placeholder else ():
        pieces = _chained(pieces, _Strings(placeholder, prefix, encoding, what))
    return PieceReader(pieces)


def _chained(pieces: Iterable[bytes], strings: _Strings) -> Iterator[bytes]:
    for piece in pieces:
        yield strings.feed(piece)
    yield strings.end()


def replace_large_text(content: BinaryIO, placeholder: str, prefix: str) -> tuple[BinaryIO, int]:
    """Return a file like `content` with text replaced, as `replace_text` does, in bounded memory; and its size in
    bytes.

    A tar states a size before the content, so the result is kept in a temporary file, gone once it is closed.
    """
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    head = content.read(_CHUNK)
    start = b""
    if head.startswith(b"#!") and (end := head.find(b"\n")) >= 0:
        start, head = replace_shebang(head[:end], placeholder.encode(), prefix.encode()), head[end:]
    pieces: Iterator[bytes] = itertools.chain((head,), iter(lambda: content.read(_CHUNK), b""))
    for encoding in _ENCODINGS if placeholder else ():
        pieces = _replaced_pieces(pieces, placeholder.encode(encoding), prefix.encode(encoding))
    spool.write(start)
    for piece in pieces:
        spool.write(piece)
    size = spool.tell()
    spool.seek(0)
    return cast("BinaryIO", spool), size


def _replaced_pieces(pieces: Iterable[bytes], old: bytes, new: bytes) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        parts = (rest + piece).split(old)
        # What is at the end might be the start of a placeholder.
        hold = min(len(parts[-1]), len(old) - 1)
        content = new.join(parts)
        yield content[: len(content) - hold]
        rest = content[len(content) - hold :]
    yield rest
