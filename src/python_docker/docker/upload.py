"""ArchiveUpload: a docker archive on its way into an engine."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Iterable
from typing import Any

from python_docker.docker.answer import Answer, reason
from python_docker.errors import EngineError

_LOADED = re.compile(r"Loaded image(?: ID)?(?:\(s\))?: (.+)")
_PIECE = 1 << 18


class ArchiveUpload(io.RawIOBase):
    """A docker archive on its way into an engine: a file to write to, once and from start to end."""

    def __init__(self, connection: http.client.HTTPConnection, target: str, engine: str) -> None:
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
            raise EngineError(f"{engine} could not load an image: {reason(error)}") from None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Send a piece. Raises `EngineError`, with the engine's reason where it gave one, when it takes no more."""
        piece = data if isinstance(data, bytes) else bytes(data)
        self._pending.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _PIECE:
            self._send_pending()
        return len(piece)

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
                self.finish(ended=True)
            raise EngineError(f"{self._engine} could not load the image: {reason(error)}") from None

    def finish(self, *, ended: bool = False) -> list[str]:
        """End the archive; gives the names of the images that the engine says it loaded, the IDs of nameless ones."""
        try:
            if not ended:
                self._send_pending()
                self._send(b"0\r\n\r\n")
            try:
                response = self._connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise EngineError(f"{self._engine} could not load the image: {reason(error)}") from None
            with response:
                answer = Answer(response, self._engine, "load the image")
                answer.check()
                return loaded_names(str(message.get("stream", "")) for message in answer.messages())
        finally:
            self.close()

    def close(self) -> None:
        """Hang up. An archive that was not finished is not loaded."""
        if not self.closed:
            self._connection.close()
        super().close()


def loaded_names(lines: Iterable[str]) -> list[str]:
    """The names in what an engine or its command says after loading.

    >>> loaded_names(iter(["Loaded image: hello:v1\\n"]))
    ['hello:v1']
    """
    found = [match[1] for line in lines if (match := _LOADED.match(line.strip()))]
    return [name.strip() for names in found for name in names.split(",")]
