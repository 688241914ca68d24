"""A link to a server of this machine with the rate and the delay of a network, each way."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time

RATE = 25_000_000
"""Bytes per second each way, for all connections of a link together, unless it is said."""
DELAY = 0.02
"""Seconds until what one end sends arrives at the other."""

_PIECE = 1 << 16
_AHEAD = 64  # pieces on their way: more than rate times delay


class Link:
    """Relays connections to `port` of this machine, at `rate` and `DELAY`; `up` and `down` count the bytes."""

    def __init__(self, port: int, rate: int = RATE) -> None:
        self._target = port
        self._up, self._down = _Way(rate), _Way(rate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.host = f"localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def up(self) -> int:
        """Bytes that went to the server."""
        return self._up.moved

    @property
    def down(self) -> int:
        """Bytes that came from the server."""
        return self._down.moved

    def stop(self) -> None:
        """Take no more connections; those that are there end with their clients."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._up.relay(client, server)
                self._down.relay(server, client)


class _Way:
    """One direction of a link. `moved` counts the bytes."""

    def __init__(self, rate: int) -> None:
        self.moved = 0
        self._rate = rate
        self._lock = threading.Lock()
        self._free = 0.0  # when the link has sent what it was given

    def relay(self, source: socket.socket, target: socket.socket) -> None:
        """Begin to bring what one end sends to the other."""
        pieces: queue.Queue[tuple[float, bytes]] = queue.Queue(_AHEAD)
        threading.Thread(target=self._receive, args=(source, pieces), daemon=True).start()
        threading.Thread(target=self._deliver, args=(source, target, pieces), daemon=True).start()

    def _receive(self, source: socket.socket, pieces: queue.Queue[tuple[float, bytes]]) -> None:
        """Take what one end sends, and say when it arrives; an empty piece is the end."""
        data = b"."
        while data:
            try:
                data = source.recv(_PIECE)
            except OSError:
                data = b""
            with self._lock:
                self._free = max(self._free, time.monotonic()) + len(data) / self._rate
                self.moved += len(data)
                arrival = self._free + DELAY
            pieces.put((arrival, data))

    def _deliver(self, source: socket.socket, target: socket.socket, pieces: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"."
        gone = False
        while data:
            arrival, data = pieces.get()
            if gone:
                continue
            time.sleep(max(0.0, arrival - time.monotonic()))
            try:
                target.sendall(data)
            except OSError:
                gone = True
                with contextlib.suppress(OSError):
                    source.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
