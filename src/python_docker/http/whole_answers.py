"""Connections that take an answer for broken when it ends within its head.

`http.client` takes the end of a connection for the end of the head. Then a cut makes another answer of an answer: one
without a body, or with half a header.
"""

from __future__ import annotations

from http.client import HTTPResponse, RemoteDisconnected
from typing import Any, BinaryIO, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class _WholeLines:
    """A file whose lines have ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readline(self, limit: int = -1) -> bytes:
        line = self._file.readline(limit)
        if not line.endswith(b"\n") and len(line) != limit:
            raise RemoteDisconnected("the answer ended within its head")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _WholeResponse(HTTPResponse):
    def begin(self) -> None:
        file = cast("BinaryIO", self.fp)
        lines = _WholeLines(file)
        self.fp = cast("Any", lines)
        try:
            super().begin()
        finally:
            # Unless it was closed in the meantime, being without a body.
            if cast("Any", self.fp) is lines:
                self.fp = cast("Any", file)


class _Connection(HTTPConnection):
    response_class = _WholeResponse


class _TlsConnection(HTTPSConnection):
    response_class = _WholeResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def demand_whole_answers(manager: PoolManager) -> PoolManager:
    """Let a pool manager make such connections; gives it back."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager
