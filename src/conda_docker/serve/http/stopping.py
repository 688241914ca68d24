"""Serving until a signal says to stop, whenever it comes: before the first request is answered, too."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class _Server(uvicorn.Server):
    """A server whose signals are watched for longer than it runs."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_until_stopped(settings: uvicorn.Config, listening: socket.socket, announce: Callable[[], object]) -> None:
    """Serve on a socket until a signal comes, which the handlers that were there before hear once all has ended.

    `announce` is called when signals are watched and before anybody is served. A signal from then on ends the server
    in an orderly way: no more requests, and those under way have the time that `settings` grants. A second Ctrl-C cuts
    them off.
    """
    server = _Server(settings)
    with _stopping(server):
        announce()
        server.run(sockets=[listening])


@contextmanager
def _stopping(server: uvicorn.Server) -> Iterator[None]:
    """Have signals stop a server, and send the first one to whoever handled it before, at the end."""
    heard: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        server.handle_exit(number, frame)

    before = {}
    for number in (getattr(signal, name, None) for name in _SIGNALS):
        # What was started with a signal ignored (nohup, a shell's background) goes on ignoring it.
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])
