"""Sending: one blob on its way up, in the requests that its upload takes."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from python_docker.http.body import Body, FilePart
from python_docker.http.response import Response
from python_docker.image.blob import Blob
from python_docker.progress import Task
from python_docker.registry.auth.scope import repository_scope
from python_docker.spec.digest import VerifyingReader

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient
    from python_docker.registry.upload.session import Session

# A send may take `connect_timeout` at most, however little the line carries: small pieces, unless they go fast.
_PIECE = 128 << 10
_LARGE_PIECE = 1 << 20  # is still in the processor's cache when it was read, hashed and is sent
_FAST = 0.05  # seconds a piece
_LONG = 8 << 20
"""Bytes from which on a request may take its time."""


class Sending:
    """A blob that is sent to `session`, its latest place, or to none yet.

    `source_error` is what went wrong with the blob itself, while it was read, in contrast to the connection.
    """

    def __init__(
        self, client: RegistryClient, path: str, blob: Blob, task: Task, session: Session | None = None
    ) -> None:
        self.client = client
        self.path = path
        self.blob = blob
        self.task = task
        self.session = session
        self.action = f"upload blob {blob.descriptor.digest} into {path}"
        self.source_error: BaseException | None = None
        self._scopes = [repository_scope(path, "pull", "push")]
        self._sent = 0
        self._stream: BinaryIO | None = None
        self._stream_at = 0

    def request(
        self,
        method: str,
        body: Body | None,
        accept: set[int],
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Send one request of this upload, to its latest place. What adds to it is not repeated by itself."""
        assert self.session is not None
        url = self.session.url
        if query:
            url += f"{'&' if '?' in url else '?'}{query}"
        if body is not None:
            headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        return self.client.session.request(
            method,
            url,
            action=self.action,
            scopes=self._scopes,
            headers=headers,
            body=body,
            accept=accept,
            retry=(body is None or body.size == 0) and method != "DELETE",
            long=body is not None and body.size > _LONG,
        )

    def pieces(self, offset: int, size: int) -> Iterator[memoryview | FilePart]:
        """Yield a part of the blob. Errors of the blob itself are kept apart from those of the connection."""
        length = _PIECE
        try:
            self.task.advance(offset - self._sent)
            self._sent = offset
            if self._stream is None or self._stream_at != offset:
                self.close()
                self._stream, self._stream_at = self.blob.open(), 0
            while self._stream_at < offset:
                self._stream_at += len(self._read(min(offset - self._stream_at, _LARGE_PIECE)))
            file = _file_of(self._stream)
            end = offset + size
            while self._stream_at < end:
                content = memoryview(self._read(min(end - self._stream_at, length)))
                piece = content if file is None else FilePart(content, file, self._stream_at)
                self._stream_at += len(content)
                begun = time.monotonic()
                yield piece
                length = min(2 * length, _LARGE_PIECE) if time.monotonic() - begun < _FAST else _PIECE
                self._sent += len(content)
                self.task.advance(len(content))
        except Exception as error:
            self.source_error = error
            raise

    def _read(self, size: int) -> bytes:
        assert self._stream is not None
        return self._stream.read(size)

    def rewind(self) -> None:
        """Begin again: nothing of what was sent counts."""
        self.close()
        self.task.advance(-self._sent)
        self._sent = 0

    def close(self) -> None:
        """Close the blob, until more of it is sent."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _file_of(stream: BinaryIO) -> BinaryIO | None:
    """Return the file that is read, byte for byte, through a stream, if it is one."""
    beneath = stream.beneath if isinstance(stream, VerifyingReader) else stream
    return beneath if isinstance(beneath, io.BufferedReader) and isinstance(beneath.raw, io.FileIO) else None
