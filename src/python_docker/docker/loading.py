"""ArchiveUpload: a docker archive on its way into an engine, written piece by piece."""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

from python_docker.docker.failure import engine_errors
from python_docker.errors import EngineError

if TYPE_CHECKING:
    from python_docker.docker.client import BoundedClient

_LOADED = re.compile(r"Loaded image(?: ID)?(?:\(s\))?: (.+)")
_PIECE = 1 << 18  # bytes that are sent at a time
_WAITING = 8  # pieces that may wait to be sent
_PATIENCE = 0.1  # seconds between looks at whether the engine still listens


class ArchiveUpload:
    """The body of a request to load images. `loaded` has their names after `commit`, the IDs of nameless ones.

    The Docker SDK takes a body that it pulls from; a thread of its own sends what is written here.
    """

    def __init__(self, open_client: Callable[[], closing[BoundedClient]], engine: str) -> None:
        self.loaded: list[str] = []
        self._open_client = open_client
        self._engine = engine
        self._pending: list[bytes] = []
        self._size = 0
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._aborted = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="load-image")
        self._sending: Future[list[str]] = self._thread.submit(self._send)

    def write(self, data: bytes) -> None:
        """Send a piece. Raises `EngineError`, with the engine's reason where it gave one, when it takes no more."""
        self._pending.append(bytes(data))
        self._size += len(data)
        if self._size >= _PIECE:
            self._flush()

    def commit(self) -> None:
        """End the archive, and hear what the engine makes of it. Raises `EngineError` when it could not load it."""
        try:
            self._flush()
            self._put(None)
            self.loaded = self._sending.result()
        finally:
            self._thread.shutdown()

    def abort(self) -> None:
        """Hang up. An archive without an end is not loaded."""
        self._aborted = True
        self._thread.shutdown()

    def _flush(self) -> None:
        if self._size:
            self._put(b"".join(self._pending))
            self._pending.clear()
            self._size = 0

    def _put(self, piece: bytes | None) -> None:
        while True:
            try:
                self._pieces.put(piece, timeout=_PATIENCE)
            except queue.Full:
                if self._sending.done():
                    self._raise_early_end()
            else:
                return

    def _raise_early_end(self) -> None:
        self._sending.result()
        raise EngineError(f"{self._engine} could not load the image: it answered before it had the whole archive")

    def _send(self) -> list[str]:
        with engine_errors(self._engine, "load the image"), self._open_client() as client:
            answer = client.load_image(self._body(), quiet=False)  # type: ignore[no-untyped-call]
            told = messages(answer, self._engine, "load the image")
            return loaded_names(str(message.get("stream", "")) for message in told)

    def _body(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self._pieces.get(timeout=_PATIENCE)
            except queue.Empty:
                if self._aborted:
                    # Raised while the body is sent, it closes the connection before the archive has ended.
                    raise ConnectionAbortedError("the archive was given up") from None
                continue
            if piece is None:
                return
            yield piece


def messages(answer: Iterable[Any], engine: str, what: str) -> Iterator[dict[str, Any]]:
    """Return the messages of an answer. Raises `EngineError` with the engine's words for one that reports an error:
    load, pull and push answer 200 at once and report failures later.
    """
    for message in answer:
        if not isinstance(message, dict):
            raise EngineError(f"{engine} could not {what}: the server is not a Docker Engine")
        detail = message.get("errorDetail")
        # `message` alone is how an error comes whose status came before.
        told = (
            (detail.get("message") if isinstance(detail, dict) else None)
            or message.get("error")
            or (message.get("message") if message.keys() == {"message"} else None)
        )
        if told:
            raise EngineError(f"{engine} could not {what}: {str(told)[:2000]}")
        yield message


def loaded_names(lines: Iterable[str]) -> list[str]:
    """Return the names in what an engine or its command says after loading.

    >>> loaded_names(["Loaded image: hello:v1\\n"])
    ['hello:v1']
    """
    found = [match[1] for line in lines if (match := _LOADED.match(line.strip()))]
    return [name.strip() for names in found for name in names.split(",")]
