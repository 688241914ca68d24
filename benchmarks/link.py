"""A link to a server of this machine with the rate and the delay of a network."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time

RATE = 25_000_000
"""Bytes per second from servers, for all connections of a link together."""
DELAY = 0.02
"""Seconds until what a server sends arrives."""

_PIECE = 1 << 16
_AHEAD = 64  # pieces on their way: more than rate times delay


class Link:
    """Relays connections to `port` of this machine, at `RATE` and `DELAY`; `up` and `down` count the bytes."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._free = 0.0  # when the link has sent what it was given
        self.up = 0
        self.down = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.host = f"localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

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
                pieces: queue.Queue[tuple[float, bytes]] = queue.Queue(_AHEAD)
                threading.Thread(target=self._send_up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._receive, args=(server, pieces), daemon=True).start()
                threading.Thread(target=self._deliver, args=(client, server, pieces), daemon=True).start()

    def _send_up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE):
                server.sendall(data)
                with self._lock:
                    self.up += len(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _receive(self, server: socket.socket, pieces: queue.Queue[tuple[float, bytes]]) -> None:
        """Take what a server sends, and say when it arrives; an empty piece is the end."""
        data = b"."
        while data:
            try:
                data = server.recv(_PIECE)
            except OSError:
                data = b""
            with self._lock:
                self._free = max(self._free, time.monotonic()) + len(data) / RATE
                self.down += len(data)
                arrival = self._free + DELAY
            pieces.put((arrival, data))

    def _deliver(self, client: socket.socket, server: socket.socket, pieces: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"."
        gone = False
        while data:
            arrival, data = pieces.get()
            if gone:
                continue
            time.sleep(max(0.0, arrival - time.monotonic()))
            try:
                client.sendall(data)
            except OSError:
                gone = True
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
        client.close()
        server.close()
