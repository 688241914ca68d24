"""Response: an answer whose body is read from the connection piece by piece, in bounded time and memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Protocol

from python_docker.http.connections.diagnosis import http_error
from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import header_number
from python_docker.http.url import host_of
from python_docker.time_limit import check_time

if TYPE_CHECKING:
    from types import TracebackType

    from python_docker.http.options import HttpOptions

MAX_ERROR_BODY: Final = 64 << 10
_READ_SIZE = 256 << 10


class RawAnswer(Protocol):
    """An answer as a connection gives it. Raises what `http.client` and sockets raise."""

    status: int
    headers: dict[str, str]
    """The headers, by names in lower case; of the same name, all in one line (RFC 9110, section 5.2)."""

    def header_values(self, name: str) -> list[str]:
        """Return all headers of that name."""

    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes of the body, as soon as there are any; empty at its end."""

    def close(self) -> None:
        """Release the connection, which is used again when the body was read to its end."""


class Response:
    """An answer. A context manager; close it after use. Its `headers` have names in lower case."""

    def __init__(self, raw: RawAnswer, url: str, options: HttpOptions) -> None:
        self._raw = raw
        self._options = options
        self._content: bytes | None = None
        self.url = url
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers

    @property
    def host(self) -> str:
        """The host that answered, with its port where the URL names one."""
        return host_of(self.url)

    def header_values(self, name: str) -> list[str]:
        """Return all headers of that name."""
        return self._raw.header_values(name)

    @property
    def length(self) -> int | None:
        """The bytes that Content-Length announces, None without one."""
        return header_number(self.headers.get("content-length"))

    def read1(self, size: int = _READ_SIZE) -> bytes:
        """Return at most `size` bytes of the body, as soon as there are any; empty at its end.

        Raises `HttpError` when the connection breaks.
        """
        check_time()
        try:
            return self._raw.read1(size)
        except (HTTPException, OSError, ValueError) as error:
            self.close()
            check_time(self.host)
            raise http_error(error, self.url) from None

    def content(self, limit: int) -> bytes:
        """Return the whole body, of at most `limit` bytes, and keep it for the next call.

        Raises `HttpError` when the connection breaks, takes longer than anybody would wait, or brings more.
        """
        if self._content is None:
            self._content = self._read_all(limit, 3 * self._options.read_timeout)
            self.close()
        return self._content

    def _read_all(self, limit: int, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        pieces: list[bytes] = []
        size = 0
        while data := self.read1():
            size += len(data)
            if size > limit:
                self.close()
                raise HttpError(Cause.TOO_LONG, self.host, f"it has more than {limit} bytes")
            if time.monotonic() > deadline:
                self.close()
                raise HttpError(Cause.SLOW, self.host, transient=True)
            pieces.append(data)
        return b"".join(pieces)

    def error_content(self) -> bytes:
        """Return the body of a refusal, and keep it; nothing where it is long, or does not come whole."""
        if self._content is None:
            # Debian's docker-registry announces more than it sends with a 416, and would have us wait for the rest.
            wanted = self.status != 416 and (self.length or 0) <= MAX_ERROR_BODY
            try:
                self._content = self._read_all(MAX_ERROR_BODY, self._options.read_timeout) if wanted else b""
            except HttpError:
                self._content = b""
            if not wanted:
                self.close()
        return self._content

    def discard(self) -> None:
        """Close it so that its connection can be used again, where the rest of the body is known to be small."""
        self.error_content()
        self.close()

    def close(self) -> None:
        """Release the connection, which is used again only when the body was read to its end."""
        self._raw.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
