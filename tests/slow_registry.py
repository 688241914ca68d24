"""A registry over a slow connection: it gives the blobs of an OCI layout, at a bounded number of bytes a second."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def slow_registry(layout: Path, rate: int) -> Iterator[str]:
    """Serve the one image of `layout` as the name that this gives, each blob at `rate` bytes a second."""
    over = threading.Event()
    (descriptor,) = json.loads((layout / "index.json").read_text())["manifests"]

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            wanted = self.path.rpartition("/")[2]
            digest = descriptor["digest"] if wanted == "latest" else wanted
            file = layout / "blobs" / digest.replace(":", "/")
            if not ("/blobs/" in self.path or "/manifests/" in self.path) or not file.is_file():
                self.send_response(200 if self.path == "/v2/" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = file.read_bytes()
            self.send_response(200)
            if "/manifests/" in self.path:
                self.send_header("Content-Type", descriptor["mediaType"])
            self.send_header("Docker-Content-Digest", digest)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            size = max(1, rate // 20)
            try:
                for start in range(0, len(content), size):
                    self.wfile.write(content[start : start + size])
                    if start + size < len(content) and over.wait(size / rate):
                        return
            except OSError:
                pass  # whoever asked was interrupted

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}/slow:latest"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
