"""A folder served over HTTP on the loopback interface, with the manners and the faults of real channel servers."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer in place of a file. A `length` other than the body's cuts the answer off."""

    status: int = 200
    body: bytes = b""
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ChannelServer:
    """A running server. `requests` holds the method and path of each request that came in.

    `answers` are for paths that end in the given text, and win over files. With `credentials` (user and password)
    or `token` (a first part `/t/TOKEN` of the path) nothing is served without them. Files have an entity tag;
    `unchanged` holds the paths for which somebody had that tag already (RFC 9110, section 13.1.2). What is `held`, by
    the end of its path, is answered when its event is set. `parts` are the paths of which a part was asked for.
    """

    folder: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    held: dict[str, Event] = field(default_factory=dict)
    credentials: tuple[str, str] | None = None
    token: str | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    address: str = "127.0.0.1"
    url: str = ""
    stop: Callable[[], None] = lambda: None

    def start(self, context: ssl.SSLContext | None = None) -> ChannelServer:
        """Listen, with TLS if there is a `context`, and return this."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.requests.append((self.command, self.path))
                owner.authorizations.append(self.headers.get("Authorization"))
                answer = owner._answer(self.path, self.headers.get("Authorization"))
                if answer.headers.get("ETag", "") == self.headers.get("If-None-Match"):
                    owner.unchanged.append(self.path)
                    answer = Answer(304, headers=answer.headers)
                elif answer.status == 200 and (part := _part(self.headers.get("Range"), answer)) is not None:
                    owner.parts.append(self.path)
                    answer = part
                self.send_response(answer.status)
                length = len(answer.body) if answer.length is None else answer.length
                for name, value in {"Content-Length": str(length), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(answer.body)
                self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # who finds it full waits for a second, and then for longer

            def handle_error(self, request: object, client_address: object) -> None: ...

        server = Server((owner.address, 0), Handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.url = f"http{'s' if context else ''}://{owner.address}:{server.server_address[1]}"

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self.stop = stop
        return self

    def wait_for(self, part: str, seconds: float = 120) -> None:
        """Return once something has been asked for whose path has this part."""
        deadline = time.monotonic() + seconds
        while not any(part in path for _, path in self.requests):
            assert time.monotonic() < deadline, f"nobody has asked for {part}"
            time.sleep(0.01)

    def _answer(self, path: str, authorization: str | None) -> Answer:
        for end, released in self.held.items():
            if path.endswith(end):
                released.wait()
        for end, answer in self.answers.items():
            if path.endswith(end):
                return answer
        if self.credentials is not None:
            expected = "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()
            if authorization != expected:
                return Answer(401, headers={"WWW-Authenticate": 'Basic realm="channel"'})
        path = unquote(urlsplit(path).path)
        if self.token is not None:
            if not path.startswith(f"/t/{self.token}/"):
                return Answer(404)
            path = path.removeprefix(f"/t/{self.token}")
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            return Answer(404)
        content, found = file.read_bytes(), file.stat()
        return Answer(body=content, headers={"ETag": _tag(file, found.st_mtime_ns, found.st_size)})


@cache
def _tag(file: Path, changed: int, size: int) -> str:
    """Return the entity tag of a file that was `changed` then; benchmarks should not measure that it is hashed."""
    return f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'


def _part(wanted: str | None, answer: Answer) -> Answer | None:
    """Return the part of an answer that a closed range asks for (RFC 9110, section 14.2); None for any other."""
    found = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", wanted or "")
    size = len(answer.body)
    if found is None or answer.length is not None or not int(found[1]) <= int(found[2]) < size:
        return None
    first, last = int(found[1]), int(found[2])
    headers = {**answer.headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return Answer(206, answer.body[first : last + 1], headers=headers)
