"""An engine that answers what it is told to, for what no real one does on demand: failing in every way."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = bytes | Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `path` is without the version of the API, which is `version`."""

    method: str
    path: str
    version: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeEngine:
    """Serves a Unix socket. `answers` maps a method and a path to whole HTTP answers, given in turn, the last for ever.

    An answer is what is sent before the connection is closed, or a function that gets the connection. Paths in `deaf`
    are answered before the body of the request is read.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fake-"))
        self.socket = self.folder / "d.sock"
        self.host = f"unix://{self.socket}"
        self.answers.setdefault("GET /version", [version_answer("1.41")])
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._serve(self._accept)

    def stop(self) -> None:
        """End it, and all connections to it."""
        self._ended.set()
        # Closing alone does not wake up who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it is closed
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(120)
        shutil.rmtree(self.folder)

    def hang(self, connection: socket.socket) -> None:
        """An answer that never comes."""
        self._ended.wait()

    def trickle(self, connection: socket.socket) -> None:
        """An answer whose head never ends, and is never silent for long."""
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not self._ended.wait(0.05):
            connection.sendall(b"X")

    def asked(self) -> list[str]:
        """The methods and paths of the requests so far."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def _serve(self, function: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._serve(self._answer, connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(120)
            with connection.makefile("rb") as stream:
                if not (line := stream.readline()):
                    return  # nothing was asked
                method, target, _ = line.decode().split(" ", 2)
                headers = {}
                while line := stream.readline().strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                url = urlsplit(target)
                version = re.match(r"/v([\d.]+)(?=/)", url.path)
                path = url.path[version.end() :] if version else url.path
                key = f"{method} {path}"
                body = b"" if key in self.deaf else _read_body(stream, headers)
                query = parse_qs(url.query)
                self.requests.append(Request(method, path, version[1] if version else "", query, headers, body))
                answers = self.answers.get(key) or [http_answer(b'{"message":"page not found"}', 404)]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection)


def _read_body(stream: Any, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return bytes(stream.read(int(headers.get("content-length", "0"))))
    body = b""
    while size := int(stream.readline() or b"0", 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def version_answer(version: str, component: str = "Engine") -> bytes:
    """What an engine that speaks this version of the API says of itself."""
    return http_answer(json.dumps({"ApiVersion": version, "Components": [{"Name": component}]}).encode())


def http_answer(
    body: bytes = b"", status: int = 200, *, headers: dict[str, str] | None = None, size: int | None = None
) -> bytes:
    """An HTTP answer that tells its size, or claims to have `size` bytes."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if size is None else size}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked_answer(*pieces: bytes, whole: bool = True) -> bytes:
    """An HTTP answer in chunks, without its end when it is not `whole`."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + (b"0\r\n\r\n" if whole else b"")


def json_lines(*messages: dict[str, Any]) -> bytes:
    """Messages as engines send them, one in each line."""
    return b"".join(json.dumps(message).encode() + b"\r\n" for message in messages)


def frame(stream: int, content: bytes) -> bytes:
    """What a container printed on its stream 1 or 2, as an engine passes it on."""
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content
