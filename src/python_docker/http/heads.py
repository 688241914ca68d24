"""Connections that bound the heads of answers, in bytes and in time, and notice one that is cut short.

`http.client` waits for a head as long as a byte of it comes now and then, skips any number of `100 Continue` and of
trailers, and takes the end of a connection for the end of the head. Then a server can keep its client for days, and a
cut makes another answer of an answer: one without a body, or with half a header.
"""

from __future__ import annotations

import socket
import time
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from io import BufferedReader
from typing import Any, Final, cast

from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool

from python_docker.http.headers import header_number

MAX_HEAD: Final = 256 << 10
"""Bytes of a head, or of the trailers of a body."""
MAX_HEAD_SECONDS: Final = 20.0
"""How long the rest of a head may take once it has begun: it is a few kilobytes."""
_INTERIM = frozenset({102, 103})


class HeadTooLong(HTTPException):
    """A head of more than `MAX_HEAD` bytes."""


class BadLength(HTTPException):
    """A Content-Length that is not one number, or too large a number for anything."""


class HeadTooSlow(TimeoutError):
    """A head that began in time, and did not end in time."""


class _BoundedLines:
    """A connection's file whose lines have ends, and whose runs of lines are bounded.

    A run is what is read by lines alone: a head with all that comes before it, the size of a chunk, the trailers. Its
    first byte may take as long as the socket's timeout says, and all that follows `MAX_HEAD_SECONDS` at most.
    """

    def __init__(self, file: BufferedReader, sock: socket.socket) -> None:
        self._file = file
        self._sock = sock
        self._patience = sock.gettimeout()
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
            if line.endswith(b"\n"):
                break
        self._run += len(line)
        return bytes(line)

    def _peek(self) -> bytes:
        """Return what is there of the run, waiting for it no longer than there is time; empty at the end."""
        if self._patience is None:
            return self._file.peek(1)
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise HeadTooSlow("the head takes too long")
            self._sock.settimeout(left)
        try:
            waiting = self._file.peek(1)
        except TimeoutError:
            if self._deadline is not None:
                raise HeadTooSlow("the head takes too long") from None
            raise
        finally:
            self._sock.settimeout(self._patience)
        if self._deadline is None:
            self._deadline = time.monotonic() + min(self._patience, MAX_HEAD_SECONDS)
        return waiting

    def __getattr__(self, name: str) -> Any:
        # Anything but a line ends the run: content is being read.
        if name.startswith("read"):
            self._run, self._deadline = 0, None
        return getattr(self._file, name)


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self._plain = self.fp
        self._lines = _BoundedLines(self._plain, sock)
        self.fp = cast("Any", self._lines)

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


def bound_heads(manager: PoolManager) -> PoolManager:
    """Let a pool manager make such connections; returns it."""
    manager.pool_classes_by_scheme = {scheme: _bounded(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}
    return manager


def _bounded(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    connection = type("Connection", (cast("Any", pool.ConnectionCls),), {"response_class": _BoundedResponse})
    return type("Pool", (pool,), {"ConnectionCls": connection})
