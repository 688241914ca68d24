"""ResumableBody: the one resumable download, for blobs of registries and for packages of channels alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from python_docker.http.failure import Cause, HttpError
from python_docker.http.headers import content_range
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.http.retry import backoff
from python_docker.time_limit import pause

RANGE_REFUSALS: Final = frozenset({400, 416, 501})
"""The statuses that servers answer to a Range that they do not like."""
_READ_SIZE = 2 << 20  # connections on one machine have that much ready; the fewer turns of many threads, the better
_PROGRESS = 1 << 20  # bytes after which a new failure counts as a first one
_MIN_RATE = 64  # bytes in a second; less than that counts as nothing

Ask = Callable[[Mapping[str, str]], Response]
"""Sends a GET with some headers more. The answer has the status 200 or 206, or with a Range one of `RANGE_REFUSALS`;
whatever else comes is an error for `ask` to raise, after the tries that it thinks right."""


class ResumableBody:
    """The bytes of something at a server, in pieces, from `position` on; after a break it goes on where it was.

    `size` is the length of the whole, None where nobody knows it before the server says. It asks for closed ranges
    (`bytes=a-b`), which all registries know; from a server that gives everything instead, the part that is here
    already is passed over. `broke` says whether the content is from more than one answer. Nothing is verified here but
    the length. `read_end` gives the last part first.
    """

    def __init__(
        self,
        ask: Ask,
        options: HttpOptions,
        *,
        size: int | None,
        position: int = 0,
        sleep: Callable[[float], None] = pause,
    ) -> None:
        self.position = position
        self.broke = False
        self._ask = ask
        self._options = options
        self._size = size
        self._stop = size  # where reading ends
        self._sleep = sleep
        self._ranges = True
        self._response: Response | None = None
        self._skip = 0
        self._failures = 0
        self._failed_at = position
        self._waited = 0.0
        self._came = 0

    def read1(self, size: int = _READ_SIZE) -> bytes:
        """Return at most `size` bytes, as soon as there are any; empty at the end.

        Raises `HttpError` when the attempts that the options allow are used up (progress in between starts their count
        anew), or when the length is not that of the content.
        """
        while size > 0 and (self._stop is None or self.position < self._stop):
            if self._response is None:
                self._response = self._open()
            left = size if self._stop is None else min(size, self._stop - self.position)
            try:
                data = self._next_piece(self._response, self._skip or left)
            except HttpError as error:
                self._recover(error)
                continue
            if self._skip:
                self._skip -= len(data)
                continue
            self.position += len(data)
            if not data:
                self._size = self._stop = self.position
            if self.position == self._stop:
                self._finish(self._response)
            return data
        return b""

    def read_end(self, size: int) -> bytes:
        """Return the last `size` bytes before all others, which `read1` then leaves out; the whole's size is known.

        None of them where the server does not give a part alone, or breaks; then `read1` gives everything. Called
        before that, once. Raises what asking raises, and `HttpError` for a whole of another length.
        """
        assert self._size is not None
        assert self._response is None
        start = max(self._size - size, self.position)
        response = self._ask({"Range": f"bytes={start}-{self._size - 1}"})
        if response.status == 200:
            self._response = self._whole(response)
            return b""
        if response.status != 206 or content_range(response.headers) != (start, self._size - 1, self._size):
            response.discard()
            self._ranges = False
            return b""
        pieces: list[bytes] = []
        left = self._size - start
        try:
            while left:
                pieces.append(self._next_piece(response, left))
                left -= len(pieces[-1])
        except HttpError:
            response.close()
            return b""
        self._finish(response)
        self._stop, self.broke = start, True
        return b"".join(pieces)

    def _next_piece(self, response: Response, size: int) -> bytes:
        before = time.monotonic()
        data = response.read1(min(size, _READ_SIZE))
        if not data and (self._size is not None or self._skip):
            raise HttpError(Cause.TRUNCATED, response.host, transient=True)
        # What counts is the time in which nothing came, not that in which nobody wanted anything.
        self._waited += time.monotonic() - before
        self._came += len(data)
        if self._waited > self._options.read_timeout:
            if self._came < _MIN_RATE * self._waited:
                raise HttpError(Cause.SLOW, response.host, transient=True)
            self._waited, self._came = 0.0, 0
        return data

    def _open(self) -> Response:
        """Return the answer to read on from; `_skip` bytes of it come before the position."""
        self._waited, self._came, self._skip = 0.0, 0, 0
        if (self.position or self._stop != self._size) and self._ranges:
            end = "" if self._stop is None else self._stop - 1
            response = self._ask({"Range": f"bytes={self.position}-{end}"})
            if response.status == 206 and self._is_rest(response):
                return response
            if response.status != 200:
                # Another part than was asked for, or none: better ask for all of it.
                response.discard()
                self._ranges = False
                response = self._ask({})
        else:
            response = self._ask({})
        return self._whole(response)

    def _whole(self, response: Response) -> Response:
        """Return an answer that has everything, and learn the size from it where nobody knew it."""
        if response.status != 200:
            response.close()
            raise HttpError(Cause.MALFORMED, response.host, f"HTTP {response.status} without a Range")
        length, expected = response.length, self._size
        wrong = length is not None and (length < self.position if expected is None else length != expected)
        if wrong:
            response.close()
            detail = f"it has {length} bytes instead of {self.position if expected is None else expected}"
            raise HttpError(Cause.WRONG_LENGTH, response.host, detail)
        if expected is None:
            self._size = self._stop = length
        self._skip = self.position
        return response

    def _is_rest(self, response: Response) -> bool:
        """Return whether a partial answer is what is missing; learn the size from it where nobody knew it."""
        found = content_range(response.headers)
        if found is None or found[0] != self.position or found[2] not in {None, self._size or found[2]}:
            return False
        if self._size is None:
            self._size = self._stop = found[2]
        return True

    def _recover(self, error: HttpError) -> None:
        """Wait before the next attempt, or raise `error` when it was the last, or another would not help."""
        self.close()
        if self.position - self._failed_at >= min(_PROGRESS, max(1, (self._size or _PROGRESS) // 16)):
            self._failures = 0
        self._failures += 1
        self._failed_at = self.position
        if not error.transient or self._failures >= self._options.attempts:
            raise error
        self.broke = True
        self._sleep(backoff(self._failures, self._options))

    def _finish(self, response: Response) -> None:
        """Release the answer; its connection can be used again if nothing more can come."""
        if response.length is None:
            # It may never end, and nobody wants what is beyond the size.
            response.close()
        else:
            response.discard()
        self._response = None

    def close(self) -> None:
        """Release the connection; reading on opens another."""
        if self._response is not None:
            self._response.close()
            self._response = None
