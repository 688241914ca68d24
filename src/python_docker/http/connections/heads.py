"""Connections that bound the heads of answers, in bytes and in time, and notice one that is cut short.

`http.client` waits for a head as long as a byte of it comes now and then, skips any number of `100 Continue` and of
trailers, and takes the end of a connection for the end of the head. Then a server can keep its client for days, and a
cut makes another answer of an answer: one without a body, or with half a header.
"""

from __future__ import annotations

import re
import socket
import time
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from io import BufferedReader
from typing import Any, Final, cast

from python_docker.http.connections.waiting import Incoming, send_all
from python_docker.http.headers import header_number

MAX_HEAD: Final = 256 << 10
"""Bytes of a head, or of the trailers of a body."""
MAX_HEAD_SECONDS: Final = 20.0
"""How long the rest of a head may take once it has begun: it is a few kilobytes."""
_INTERIM = frozenset({102, 103})
_HTTP = b"HTTP/"
_SETTINGS = re.compile(rb"\0..\x04\0", re.DOTALL)  # the frame that a server begins with (RFC 9113, section 3.4)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)


class HeadTooLong(HTTPException):
    """A head of more than `MAX_HEAD` bytes."""


class OnlyHttp2(HTTPException):
    """A server that answers in HTTP/2, which it was not asked in."""


class BadLength(HTTPException):
    """A Content-Length that is not one number, or too large a number for anything."""


class HeadTooSlow(TimeoutError):
    """A head that began in time, and did not end in time."""


class _BoundedLines:
    """A connection's file whose lines have ends, and whose runs of lines are bounded.

    A run is what is read by lines alone: a head with all that comes before it, the size of a chunk, the trailers. Its
    first byte may take as long as the socket's timeout says, and all that follows `MAX_HEAD_SECONDS` at most.
    """

    def __init__(self, file: BufferedReader, incoming: Incoming) -> None:
        self._file = file
        self._incoming = incoming
        self._patience = incoming.patience
        self._run = 0
        self._deadline: float | None = None
        self.in_head = True

    def readline(self, limit: int = -1) -> bytes:
        line = bytearray()
        while limit < 0 or len(line) < limit:
            waiting = self._peek()
            if not waiting:
                if line or self.in_head:
                    raise RemoteDisconnected("the answer ended within its head")
                return b""
            end = waiting.find(b"\n") + 1
            wanted = end or len(waiting)
            line += self._file.read(wanted if limit < 0 else min(wanted, limit - len(line)))
            if self._run + len(line) > MAX_HEAD:
                raise HeadTooLong(f"the head has more than {MAX_HEAD} bytes")
            if self.in_head and not self._run:
                _check_beginning(bytes(line))
            if line.endswith(b"\n"):
                break
        self._run += len(line)
        return bytes(line)

    def _peek(self) -> bytes:
        """Return what is there of the run, waiting for it no longer than there is time; empty at the end."""
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise HeadTooSlow("the head takes too long")
            self._incoming.patience = left
        try:
            waiting = self._file.peek(1)
        except TimeoutError:
            if self._deadline is not None:
                raise HeadTooSlow("the head takes too long") from None
            raise
        finally:
            self._incoming.patience = self._patience
        if self._deadline is None:
            self._deadline = time.monotonic() + min(self._patience, MAX_HEAD_SECONDS)
        return waiting

    def __getattr__(self, name: str) -> Any:
        # Anything but a line ends the run: content is being read.
        if name.startswith("read"):
            self._run, self._deadline = 0, None
        return getattr(self._file, name)


def _check_beginning(line: bytes) -> None:
    """Raise for the beginning of what cannot become a status line, and may have no end of a line to wait for."""
    if line.startswith(_HTTP[: len(line)]):
        return
    if _SETTINGS.match(line):
        raise OnlyHttp2("it is in HTTP/2, and was asked for in HTTP/1.1; a proxy in front of the server can translate")
    raise BadStatusLine(line[:20].decode("ascii", "replace"))


class BoundedResponse(HTTPResponse):
    """An answer whose head is bounded, and whose body ends where it says, or raises `IncompleteRead`."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        incoming = Incoming(sock, self.fp.detach())
        self._plain: BufferedReader = cast("Any", BufferedReader(incoming))
        self._lines = _BoundedLines(self._plain, incoming)
        self.fp = cast("Any", self._lines)
        self._chunk = 0
        self._is_first = True

    def begin(self) -> None:
        super().begin()
        while self.status in _INTERIM:
            # http.client knows 100 alone (RFC 9110, section 15.2).
            self.headers = self.msg = cast("Any", None)
            super().begin()
        self._lines.in_head = False
        lengths = set(self.headers.get_all("content-length", []))
        if lengths and not self.chunked and (len(lengths) > 1 or header_number(lengths.pop()) is None):
            # Nobody knows where the body ends (RFC 9112, section 6.3): the next answer would begin in its midst.
            raise BadLength("Content-Length is not a number of bytes")
        # Chunks have lines between them and trailers; other bodies are read as fast as can be. `fp` is None by now
        # when there is no body.
        if not self.chunked and cast("Any", self.fp) is self._lines:
            self.fp = self._plain
        if self.length == 0:  # also of an answer to HEAD, and of a 204
            self.close()

    def read1(self, size: int = -1) -> bytes:
        """Return at most `size` bytes of the body, as soon as there are any; empty at its end.

        `http.client` does not count what it reads this way before Python 3.11.8, and takes any number that `int` takes
        for the size of a chunk.
        """
        if self.fp is None or not size:
            return b""
        if self.chunked and not self._chunk and not self._begin_chunk():
            return b""
        left = self._chunk if self.chunked else self.length
        wanted = size if left is None else left if size < 0 else min(size, left)
        data = self.fp.read1(wanted)
        if not data and left is not None:
            self.close()
            raise IncompleteRead(b"", left)
        if self.chunked:
            self._chunk -= len(data)
        elif left is not None:
            self.length = left - len(data)
        if not data or self.length == 0:
            self.close()
        return data

    def _begin_chunk(self) -> int:
        """Read the size of the next chunk (RFC 9112, section 7.1), and after the last one the trailers."""
        if not self._is_first and self.fp.read(2) != b"\r\n":
            raise IncompleteRead(b"")
        self._is_first = False
        size = _CHUNK_SIZE.fullmatch(self.fp.readline())
        if size is None:
            raise IncompleteRead(b"")
        self._chunk = int(size[1], 16)
        if not self._chunk:
            while self.fp.readline().strip():
                pass
            self.close()
        return self._chunk


class BoundedConnection(HTTPConnection):
    """A connection whose answers are `BoundedResponse`s, and whose other side takes what is sent in bounded time."""

    response_class = BoundedResponse

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        send_all(self.sock, data)
