"""Downloading: a blob as a stream that goes on after the connection broke."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from python_docker.errors import ConnectionFailed, ContentMismatch, NotFoundInRegistry, RegistryError
from python_docker.files.stream import ReadStream
from python_docker.http.client import Response
from python_docker.http.failure import TransientFailure
from python_docker.http.retry import backoff
from python_docker.spec.documents import Descriptor

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient

_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)")
_READ_SIZE = 1 << 20
_PROGRESS = 1 << 20
_MIN_RATE = 64  # bytes in a second; less than that counts as nothing


class BlobReader(ReadStream):
    """A blob of a repository, read from its registry as it comes. Gives exactly as many bytes as `descriptor` says.

    What comes is not checked here: `Blob.open` does that. After a cut it goes on where it was, by a closed range
    (`bytes=a-b`, which all registries know), asking the registry and not where that had redirected to. Reading raises
    `ConnectionFailed` when the attempts that the options allow are used up; progress in between starts their count
    anew.
    """

    def __init__(self, client: RegistryClient, path: str, descriptor: Descriptor) -> None:
        super().__init__()
        self._client = client
        self._path = path
        self._descriptor = descriptor
        self._position = 0
        self._ranges = True
        self._response: Response | None = None
        self._skip = 0
        self._failures = 0
        self._failed_at = 0
        self._waited = 0.0
        self._came = 0

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, as soon as there are any; empty at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        left = self._descriptor.size - self._position
        while left > 0 and size > 0:
            if self._response is None:
                # This tries again by itself.
                self._response = self._open()
            try:
                data = self._next_piece(self._response, self._skip or min(size, left))
            except TransientFailure as failure:
                self._recover(failure)
                continue
            if self._skip:
                self._skip -= len(data)
                continue
            self._position += len(data)
            if self._position == self._descriptor.size:
                self._response.discard()
                self._response = None
            return data
        return b""

    def _next_piece(self, response: Response, size: int) -> bytes:
        before = time.monotonic()
        data = response.read1(min(size, _READ_SIZE))
        if not data:
            raise TransientFailure(f"the connection to {self._client.address.host} broke: it ended too early")
        # What counts is the time in which nothing came, not that in which nobody wanted anything.
        self._waited += time.monotonic() - before
        self._came += len(data)
        if self._waited > self._client.options.read_timeout:
            if self._came < _MIN_RATE * self._waited:
                raise TransientFailure(f"{self._client.address.host} answers too slowly")
            self._waited, self._came = 0.0, 0
        return data

    def _open(self) -> Response:
        """The answer to read on from; `_skip` bytes of it come before the position."""
        descriptor = self._descriptor
        self._waited, self._came = 0.0, 0
        ranged = bool(self._position) and self._ranges
        response = self._request({"Range": f"bytes={self._position}-{descriptor.size - 1}"} if ranged else {})
        if response.status == 206:
            if self._is_rest(response):
                self._skip = 0
                return response
            # It gave another part than was asked for: better ask for all of it.
            response.close()
            self._ranges = False
            response = self._request({})
        if response.status != 200 or response.length not in {None, descriptor.size}:
            response.close()
            raise ContentMismatch(
                f"blob {descriptor.digest} has {response.length} bytes in {self._client.address.host}, "
                f"instead of {descriptor.size}"
            )
        self._skip = self._position
        return response

    def _request(self, headers: dict[str, str]) -> Response:
        digest, urls = self._descriptor.digest, self._descriptor.urls
        try:
            return self._client.open_blob(self._path, digest, headers)
        except NotFoundInRegistry:
            if not urls:
                raise
            # A foreign layer lies elsewhere (image-spec, descriptor.md, `urls`).
            return self._client.session.open_elsewhere(urls, headers, f"read blob {digest}")
        except RegistryError as error:
            if not headers or error.status not in {400, 416, 501}:
                raise
            self._ranges = False
            return self._client.open_blob(self._path, digest)

    def _is_rest(self, response: Response) -> bool:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
        size = self._descriptor.size
        return match is not None and int(match[1]) == self._position and match[3] in {"*", str(size)}

    def _recover(self, failure: ConnectionFailed) -> None:
        """Wait before the next attempt, or raise `failure` when it was the last."""
        if self._response is not None:
            self._response.close()
            self._response = None
        if self._position - self._failed_at >= min(_PROGRESS, max(1, self._descriptor.size // 16)):
            self._failures = 0
        self._failures += 1
        self._failed_at = self._position
        if self._failures >= self._client.options.attempts:
            raise failure
        time.sleep(backoff(self._failures, self._client.options))

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        super().close()
