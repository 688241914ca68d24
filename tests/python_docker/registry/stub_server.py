"""A web server on loopback whose every answer a test decides."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request: `path` is without its query; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    number: int
    raw_query: str = ""


@dataclass
class Answer:
    """An answer. `announced` is the Content-Length where it is not the body's; -1 sends none and closes at the end."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] | list[tuple[str, str]] = field(default_factory=dict)
    announced: int | None = None
    raw: bytes | None = None
    """Sent instead of everything else, before the connection is closed."""


class StubServer:
    """Serves what `answer` gives. `requests` holds what was asked, `url` and `host` say where."""

    def __init__(self, answer: Callable[[Asked], Answer], tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[Asked] = []
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 120
            disable_nagle_algorithm = True

            def log_message(self, format: str, *arguments: Any) -> None: ...

            def handle(self) -> None:
                with contextlib.suppress(OSError, ssl.SSLError):
                    super().handle()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if len(body) < length:
                    self.close_connection = True
                    return
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                with stub._lock:
                    asked = Asked(self.command, parts.path, query, headers, body, len(stub.requests), parts.query)
                    stub.requests.append(asked)
                answer = stub.answer(asked)
                if answer.raw is not None:
                    self.wfile.write(answer.raw)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                pairs = answer.headers.items() if isinstance(answer.headers, Mapping) else answer.headers
                for name, value in pairs:
                    self.send_header(name, value)
                announced = len(answer.body) if answer.announced is None else answer.announced
                if announced >= 0:
                    self.send_header("Content-Length", str(announced))
                if announced != len(answer.body):
                    self.close_connection = True
                    self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 50

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, address = super().get_request()
                with stub._lock:
                    stub._connections.append(connection)
                if tls is None:
                    return connection, address
                # The handshake happens in the thread of the connection, at its first read.
                return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._connections: list[socket.socket] = []
        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.host = f"localhost:{self.port}"
        self.url = f"{'http' if tls is None else 'https'}://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def asked(self, method: str, part: str = "") -> list[Asked]:
        """The requests of a method whose path holds `part`."""
        return [asked for asked in self.requests if asked.method == method and part in asked.path]

    def stop(self) -> None:
        """End it, and all connections to it."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join()
