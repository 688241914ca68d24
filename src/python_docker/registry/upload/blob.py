"""Uploading: a blob into a repository, in the way that its registry takes (distribution-spec, "Push").

One request with the whole blob is what every registry takes and what needs the fewest requests. Where it fails, the
blob goes as one PATCH, or in chunks, which also save what has arrived when a connection breaks again and again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from python_docker.errors import AccessDenied, ConnectionFailed, RegistryError, TooManyRequests
from python_docker.http.body import Body
from python_docker.http.retry import RETRIED, backoff
from python_docker.image.blob import Blob
from python_docker.progress import Task
from python_docker.registry.upload.chunks import send_chunks
from python_docker.registry.upload.sending import Sending
from python_docker.registry.upload.session import Session, session_of, start_upload

if TYPE_CHECKING:
    from python_docker.registry.client import RegistryClient

_CHUNK = 8 << 20
"""What is sent at once where chunks are needed and nobody said how large."""
_MANY = 1 << 20
"""From this size on chunks are worth a try when a connection breaks again and again."""


class Way(StrEnum):
    """A way to upload."""

    WHOLE = "whole"
    PATCH = "patch"
    CHUNKS = "chunks"


def upload_blob(client: RegistryClient, path: str, blob: Blob, task: Task, session: Session | None = None) -> None:
    """Upload a blob, in the `session` that a try to mount it began, or in a new one; report the bytes sent to `task`.

    Raises `ContentMismatch` when the blob is not what its descriptor says, `RegistryError` when it cannot be uploaded.
    """
    BlobUpload(Sending(client, path, blob, task, session)).run()


class BlobUpload:
    """One blob on its way up, in as many attempts and ways as it takes."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._client = sending.client
        self._path = sending.path
        self._blob = sending.blob
        self._refused: set[str] = set()
        self._unknown: set[str] = set()

    def run(self) -> None:
        """Upload it."""
        failures = 0
        way = self._way()
        try:
            while True:
                fresh = self._sending.session is None
                session = self._sending.session = self._sending.session or start_upload(self._client, self._path)
                try:
                    self._send(way, session)
                    self._client.upload_limits.refused |= self._unknown
                    return
                except Exception as error:
                    self._sending.rewind()
                    if self._sending.source_error is not None:
                        self._cancel()
                        raise self._sending.source_error from None
                    if not isinstance(error, RegistryError):  # pragma: no cover -- a fault of this program
                        raise
                    if self._arrived(error):
                        return
                    if not isinstance(error, ConnectionFailed | TooManyRequests):
                        self._cancel()
                    failures += 1
                    way = self._after(error, way, failures, fresh=fresh)
                    self._sending.session = None
        finally:
            self._sending.close()

    def _way(self) -> Way:
        limits, options = self._client.upload_limits, self._client.options
        largest = limits.chunk_size or options.chunk_size
        if largest is not None and self._blob.descriptor.size > largest and Way.CHUNKS not in limits.refused:
            return Way.CHUNKS
        return next((way for way in Way if way not in limits.refused), Way.WHOLE)

    def _send(self, way: Way, session: Session) -> None:
        descriptor = self._blob.descriptor
        whole = Body(descriptor.size, lambda: self._sending.pieces(0, descriptor.size))
        if way is Way.CHUNKS:
            send_chunks(self._sending, session, self._client.options.chunk_size or _CHUNK, self._client.upload_limits)
        elif way is Way.PATCH:
            answer = self._sending.request("PATCH", whole, {202})
            if answer.headers.get("location"):
                self._sending.session = session_of(self._client, answer)
        body = whole if way is Way.WHOLE else Body.of(b"")
        answer = self._sending.request("PUT", body, {200, 201, 202, 204}, query=f"digest={descriptor.digest}")
        if answer.status == 202 and not self._client.has_blob(self._path, descriptor.digest, to_push=True):
            raise RegistryError(
                f"{self._client.address.host}: cannot {self._sending.action}: it accepted it, but does not have it "
                "(HTTP 202)",
                status=202,
            )

    def _arrived(self, error: RegistryError) -> bool:
        """Return whether the blob is there in spite of an error: perhaps only the answer was lost."""
        lost = isinstance(error, ConnectionFailed) or error.status >= 500 or error.status == 404
        if not lost:
            return False
        with suppress(RegistryError):
            if self._client.has_blob(self._path, self._blob.descriptor.digest, to_push=True):
                self._sending.task.advance(self._blob.descriptor.size)
                return True
        return False

    def _after(self, error: RegistryError, way: Way, failures: int, *, fresh: bool) -> Way:
        """Return the way to go after an error, after a wait where one is due; raise `error` when there is none."""
        options = self._client.options
        if isinstance(error, AccessDenied):
            raise error
        passing = (
            isinstance(error, ConnectionFailed)
            or error.status in RETRIED
            or any(code.startswith("BLOB_UPLOAD") for code in error.codes)
            or (error.status == 404 and not fresh)
            or "DIGEST_INVALID" in error.codes
        )
        if passing and failures < options.attempts:
            asked = error.retry_after if isinstance(error, TooManyRequests) else None
            if asked is not None and asked > options.max_wait:
                raise error
            time.sleep(max(asked or 0.0, backoff(failures, options)))
            large = self._blob.descriptor.size > _MANY
            if isinstance(error, ConnectionFailed) and failures >= 2 and large and Way.CHUNKS not in self._refused:
                return Way.CHUNKS
            return way
        if not passing:
            self._refused.add(way)
            if error.status != 413:
                # Not for its size: others will be refused as well.
                self._unknown.add(way)
            order = (Way.CHUNKS, Way.PATCH, Way.WHOLE) if error.status == 413 else (Way.PATCH, Way.CHUNKS, Way.WHOLE)
            for other in order:
                if other not in self._refused:
                    return other
        if error.status == 404:
            raise RegistryError(
                f"{self._client.address.host}: cannot {self._sending.action}: it does not know the uploads that it "
                f"began itself (HTTP 404{''.join(f', {code}' for code in error.codes)}); if several registries share "
                "this address, they must share their storage and their HTTP secret, or each client must stay with one "
                "of them",
                status=404,
                codes=error.codes,
            ) from error
        raise error

    def _cancel(self) -> None:
        """Cancel an upload that will not go on; it does so by itself after some days."""
        with suppress(RegistryError):
            self._sending.request("DELETE", None, {200, 202, 204})
