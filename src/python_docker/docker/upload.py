"""ArchiveUpload: a docker archive on its way into an engine over its API."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable

from python_docker.docker.answer import Answer, reason
from python_docker.errors import EngineError

_LOADED = re.compile(r"Loaded image(?: ID)?(?:\(s\))?: (.+)")
_PIECE = 1 << 18


class ArchiveUpload:
    """The body of a request to load images. `loaded` has their names after `commit`, the IDs of nameless ones."""

    def __init__(self, connection: http.client.HTTPConnection, target: str, engine: str) -> None:
        self.loaded: list[str] = []
        self._connection = connection
        self._engine = engine
        self._pending: list[bytes] = []
        self._waiting = 0
        # With another type the engine takes the archive for a form.
        connection.putrequest("POST", target)
        connection.putheader("Content-Type", "application/x-tar")
        connection.putheader("Transfer-Encoding", "chunked")
        try:
            connection.endheaders()
        except OSError as error:
            raise self._failure(error) from None

    def write(self, data: bytes) -> None:
        """Send a piece. Raises `EngineError`, with the engine's reason where it gave one, when it takes no more."""
        self._pending.append(bytes(data))
        self._waiting += len(data)
        if self._waiting >= _PIECE:
            self._send_pending()

    def commit(self) -> None:
        """End the archive, and hear what the engine makes of it. Raises `EngineError` when it could not load it."""
        try:
            self._send_pending()
            self._send(b"0\r\n\r\n")
            self.loaded = self._answer()
        finally:
            self._connection.close()

    def abort(self) -> None:
        """Hang up. An archive without an end is not loaded."""
        self._connection.close()

    def _send_pending(self) -> None:
        if self._waiting:
            # Chunked coding: RFC 9112, section 7.1.
            self._send(b"".join((b"%x\r\n" % self._waiting, *self._pending, b"\r\n")))
            self._pending.clear()
            self._waiting = 0

    def _send(self, data: bytes) -> None:
        try:
            self._connection.send(data)
        except OSError as error:
            if not isinstance(error, TimeoutError):
                # It may have said why before it hung up.
                self._answer()
            raise self._failure(error) from None

    def _answer(self) -> list[str]:
        try:
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(error) from None
        with response:
            answer = Answer(response, self._engine, "load the image")
            answer.check()
            return loaded_names(str(message.get("stream", "")) for message in answer.messages())

    def _failure(self, error: Exception) -> EngineError:
        return EngineError(f"{self._engine} could not load the image: {reason(error)}")


def loaded_names(lines: Iterable[str]) -> list[str]:
    """The names in what an engine or its command says after loading.

    >>> loaded_names(["Loaded image: hello:v1\\n"])
    ['hello:v1']
    """
    found = [match[1] for line in lines if (match := _LOADED.match(line.strip()))]
    return [name.strip() for names in found for name in names.split(",")]
