"""Answers as connections give them, in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable

from python_docker.http.headers import joined_headers


class MemoryAnswer:
    """An answer of that status, body and headers."""

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> None:
        self.status = status
        self._named = list(headers)
        self.headers = joined_headers(self._named)
        self._body = io.BytesIO(body)

    def header_values(self, name: str) -> list[str]:
        return [value for given, value in self._named if given.lower() == name.lower()]

    def read1(self, size: int) -> bytes:
        return self._body.read1(size)

    def close(self) -> None:
        self._body.close()
