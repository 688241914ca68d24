"""http_protocol: HTTP connections that end when their clients are too slow, so that these cannot hold the server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from conda_docker.serve.configuration import Limits


_UNSENT = 1 << 16
"""Bytes of an answer that the system may hold without having sent them.

Without a bound it takes megabytes, and says that there is room when a third of them has gone: minutes in which a slow
client seems to read nothing.
"""


def http_protocol(limits: Limits) -> type[H11Protocol]:
    """Return the protocol of connections for uvicorn (`http` of its configuration) that keeps to `limits`.

    A connection ends when no whole request has come for `stall_seconds`, and when its client reads nothing for as long,
    or on the average less than `bytes_per_second`. When all connections are taken, a new one takes the place of the one
    that has been without a request for longest.

        uvicorn.Config(app, http=http_protocol(limits), limit_concurrency=limits.connections)
    """
    waiting: dict[Connection, None] = {}

    class Connection(H11Protocol):
        """A connection, with the time that is left to its client."""

        _until_request: asyncio.TimerHandle | None = None
        _until_read: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            low, high = transport.get_write_buffer_limits()
            # Between a pause and going on, the client has read this much at least.
            self._earned = (high - low) / limits.bytes_per_second
            self._credit = float(limits.stall_seconds)
            own = transport.get_extra_info("socket")
            # asyncio does so itself, but not for what a socket of `socket.create_server` accepts. Without it an answer
            # of two pieces waits 40 ms for the first to be acknowledged.
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError, AttributeError):  # not every system has it
                own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
            self._wait_for_request()
            if len(self.connections) > limits.connections and next(iter(waiting)) is not self:
                oldest = next(iter(waiting))
                del waiting[oldest]
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            self._request_came()
            super().connection_lost(exc)  # which resumes writing

        def handle_events(self) -> None:
            super().handle_events()
            if self.cycle is not None and not self.cycle.response_complete:
                self._request_came()

        def on_response_complete(self) -> None:
            self._wait_for_request()
            super().on_response_complete()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._paused = self.loop.time()
            self._until_read = self.loop.call_later(self._credit, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._until_read is None:
                return
            self._until_read.cancel()
            self._until_read = None
            left = self._credit - (self.loop.time() - self._paused) + self._earned
            self._credit = min(float(limits.stall_seconds), left)

        def _wait_for_request(self) -> None:
            self._request_came()
            waiting[self] = None
            self._until_request = self.loop.call_later(limits.stall_seconds, self.transport.abort)

        def _request_came(self) -> None:
            waiting.pop(self, None)
            if self._until_request is not None:
                self._until_request.cancel()
                self._until_request = None

    return Connection
