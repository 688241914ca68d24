"""A proxy for connections: counts the bytes that pass, and may harm them as a bad network does."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What befalls a connection: a whole answer instead of the server's, a cut after so many bytes, or slowness.

    `cut_up` and `cut_down` count the bytes to and from the server; `pause` is in seconds, before each piece of at most
    `piece` bytes from the server.
    """

    answer: bytes | None = None
    cut_up: int | None = None
    cut_down: int | None = None
    pause: float = 0.0
    piece: int = 1 << 16


NONE = Fault()


class TcpProxy:
    """Passes connections on to a port of this machine. `up` and `down` count the bytes to and from it."""

    def __init__(self, port: int, fault: Callable[[], Fault] = lambda: NONE) -> None:
        self._port = port
        self._fault = fault
        self._lock = threading.Lock()
        self.up = 0
        self.down = 0
        self.faults: list[Fault] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        self.host = f"localhost:{self.port}"
        self.url = f"http://{self.host}"
        self._open: set[socket.socket] = set()
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                fault = self._fault()
                self.faults.append(fault)
                self._open.add(client)
            self._start(self._serve, client, fault)

    def _serve(self, client: socket.socket, fault: Fault) -> None:
        if fault.answer is not None:
            with contextlib.suppress(OSError):
                self._read_request(client)
                client.sendall(fault.answer)
            self._close(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._port))
        except OSError:
            self._close(client)
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(server)
        self._start(self._pump, client, server, "up", fault.cut_up, 0.0, 1 << 16)
        self._pump(server, client, "down", fault.cut_down, fault.pause, fault.piece)

    def _pump(
        self, source: socket.socket, sink: socket.socket, way: str, cut: int | None, pause: float, piece: int
    ) -> None:
        passed = 0
        try:
            while data := source.recv(piece):
                data = data if cut is None else data[: cut - passed]
                if pause:
                    time.sleep(pause)
                sink.sendall(data)
                passed += len(data)
                with self._lock:
                    setattr(self, way, getattr(self, way) + len(data))
                if passed == cut:
                    break
        except OSError:
            pass
        self._close(source)
        self._close(sink)

    @staticmethod
    def _read_request(client: socket.socket) -> None:
        """Read all of one request: who gets an answer before may not get to read it."""
        client.settimeout(10)
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        left = int(length[1]) - len(body) if length else 0
        while left > 0 and (more := client.recv(65536)):
            left -= len(more)

    def _close(self, end: socket.socket) -> None:
        with self._lock:
            self._open.discard(end)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()

    def stop(self) -> None:
        """End it, and all connections through it."""
        self._ended = True
        with contextlib.suppress(OSError):
            # Closing alone does not wake up who waits in accept.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            self._close(end)
        for thread in self._threads:
            thread.join()
