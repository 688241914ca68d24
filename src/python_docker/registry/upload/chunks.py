"""Chunks: a blob sent in several requests, one after the other (distribution-spec, "Pushing a blob in chunks")."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from python_docker.errors import ConnectionFailed, RegistryError, TooManyRequests
from python_docker.http.body import Body
from python_docker.http.response import Response
from python_docker.http.retry import RETRIED, backoff
from python_docker.registry.upload.session import Session, session_of

if TYPE_CHECKING:
    from python_docker.registry.client import UploadLimits
    from python_docker.registry.upload.sending import Sending

_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})")
_MIN_CHUNK = 64 << 10


def send_chunks(upload: Sending, session: Session, chunk_size: int, limits: UploadLimits) -> None:
    """Send a blob in chunks of `chunk_size`, smaller ones where they are too large, up to where `session` is closed.

    After a break or a refusal the registry is asked how far it got, and what it lacks is sent. Raises `RegistryError`
    when the registry does not know, or makes no progress.
    """
    size = upload.blob.descriptor.size
    least = max(_MIN_CHUNK, session.min_chunk)
    chunk_size = max(min(chunk_size, limits.chunk_size or chunk_size), session.min_chunk)
    options = upload.client.options
    offset = 0
    stuck = 0
    while offset < size:
        length = min(chunk_size, size - offset)
        try:
            answer = _send_chunk(upload, offset, length)
        except RegistryError as error:
            if upload.source_error is not None:
                raise
            reached = _status(upload, offset, error)
            if offset < reached <= size:
                offset, stuck = reached, 0
                continue
            stuck += 1
            passing = isinstance(error, ConnectionFailed) or error.status in RETRIED
            if reached != offset or stuck >= options.attempts or not (passing or error.status in {413, 416}):
                raise
            if not passing or (isinstance(error, ConnectionFailed) and stuck > 1):
                # Some take no more than 4 MiB, or 1 MiB, at once, and say it so, or just hang up.
                if length <= least and not passing:
                    raise
                chunk_size = max(length // 2, least)
            if passing:
                asked = error.retry_after if isinstance(error, TooManyRequests) else None
                if (asked or 0.0) > options.max_wait:
                    raise
                time.sleep(max(asked or 0.0, backoff(stuck, options)))
            else:
                stuck = 0
            continue
        offset += length
        stuck = 0
        _move(upload, answer)
        if _reached(answer, offset) not in {None, offset}:
            # It says that it has something else than what it was sent. It may be behind the times: ask, once.
            told = f"it was sent {offset} bytes of the blob, and says that it has another number"
            doubt = RegistryError(f"{upload.client.address.host}: cannot {upload.action}: {told}", status=416)
            if _status(upload, offset, doubt) != offset:
                raise doubt
    limits.chunk_size = chunk_size


def _send_chunk(upload: Sending, offset: int, length: int) -> Response:
    # Neither `bytes` before it nor a total after it: not RFC 9110's form, but the distribution specification's.
    headers = {"Content-Range": f"{offset}-{offset + length - 1}"}
    body = Body(length, lambda: upload.pieces(offset, length))
    return upload.request("PATCH", body, {202}, headers=headers)


def _status(upload: Sending, offset: int, error: RegistryError) -> int:
    """Ask how far an upload got, `offset` or beyond. Raises `error`, which led to the question, without an answer."""
    try:
        answer = upload.request("GET", None, {200, 202, 204})
    except RegistryError:
        raise error from None
    reached = _reached(answer, offset)
    if reached is None:
        raise error
    _move(upload, answer)
    return reached


def _reached(answer: Response, offset: int) -> int | None:
    """Return how many bytes an answer says are there, None when it does not say; `offset` are known to be."""
    match = _RANGE.fullmatch(answer.headers.get("range", "").strip())
    if match is None:
        return None
    # distribution writes `0-0` for one byte and for none.
    return 0 if offset == 0 and int(match[1]) == 0 else int(match[1]) + 1


def _move(upload: Sending, answer: Response) -> None:
    """Continue at the latest place: it may hold the state of the upload."""
    if answer.headers.get("location"):
        upload.session = session_of(upload.client, answer)
