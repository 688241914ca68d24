"""A file server on the loopback interface that fails when it is told to."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to answer. What is not said is as it should be.

    `cut`: end the connection after so many bytes of the body; with `reset`, as a machine that goes away does, and then
    not all of these arrive. `pause`: seconds before each `piece` of the body. `held`: after how many bytes of the body
    the rest waits until `released` of the server is set.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    pause: float = 0.0
    held: int | None = None
    piece: int = 64 << 10
    ignore_range: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in."""

    path: str
    range: str | None
    authorization: str | None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # who finds it full waits for a second, and then for longer


class FaultyServer:
    """Serves `folder`. Each request takes the next of `faults`, for as long as there are any.

    With `authorization`, or a `token` as the first part `/t/TOKEN` of the path, nothing is served without it.
    """

    def __init__(self, folder: Path, *, tls: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.requests: list[Request] = []
        self.authorization: str | None = None
        self.token: str | None = None
        self.released = threading.Event()
        self.most_at_once = 0
        self.connections = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    @property
    def ranges(self) -> list[str | None]:
        return [request.range for request in self.requests]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def _next_fault(self) -> Fault:
        with self._lock:
            if self.faults:
                return self.faults.popleft()
        return self.always or Fault()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with owner._lock:
                    owner.connections += 1

            def do_GET(self) -> None:
                with owner._counted():
                    request = Request(self.path, self.headers.get("Range"), self.headers.get("Authorization"))
                    owner.requests.append(request)
                    owner._answer(self, request, owner._next_fault())

            def log_message(self, *args: object) -> None: ...

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request, fault: Fault) -> None:
        status, body, headers = self._file(request, fault)
        status = fault.status or status
        body = body if fault.body is None else fault.body
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), **fault.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        end = len(body) if fault.cut is None else fault.cut
        for start in range(0, end, fault.piece):
            if fault.pause:
                time.sleep(fault.pause)
            if fault.held is not None and start >= fault.held:
                self.released.wait()
            handler.wfile.write(body[start : min(start + fault.piece, end)])
        if fault.cut is not None:
            handler.close_connection = True
        if fault.reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

    def _file(self, request: Request, fault: Fault) -> tuple[int, bytes, dict[str, str]]:
        path = unquote(urlsplit(request.path).path)
        if self.authorization is not None and request.authorization != self.authorization:
            return 401, b"", {"WWW-Authenticate": "Basic"}
        if self.token is not None:
            if not path.startswith(f"/t/{self.token}/"):
                return 404, b"", {}
            path = path.removeprefix(f"/t/{self.token}")
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            return 404, b"", {}
        content = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.range or "")
        if wanted is None or fault.ignore_range:
            return 200, content, {}
        start = int(wanted[1])
        if start >= len(content):
            return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
        end = min(int(wanted[2] or len(content)) + 1, len(content))
        return 206, content[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
