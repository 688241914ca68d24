"""What an engine answers: an HTTP response whose status says little, since failures come as JSON lines after it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

from python_docker.errors import EngineError, NotFound

_MAX_DOCUMENT = 16 << 20
_MAX_LINE = 1 << 20
_PIECE = 1 << 16
_SHOWN = 2000


class Answer:
    """A response of `engine` (its name for messages) to the wish to do `what`."""

    def __init__(self, response: http.client.HTTPResponse, engine: str, what: str) -> None:
        self._response = response
        self._engine = engine
        self._what = what
        self._left = response.length
        self.status = response.status

    def check(self) -> None:
        """Raise `NotFound` for status 404 and `EngineError` for any other that is no success."""
        if self.status < 300:
            return
        content = self.content()
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        message = told.get("message") if isinstance(told, dict) else None
        if not isinstance(message, str) or not message:
            text = content.decode(errors="replace").strip()
            message = f"HTTP status {self.status}" + (f": {text}" if text else "")
        failure = self._failure(message)
        raise NotFound(str(failure)) if self.status == http.client.NOT_FOUND else failure

    def header(self, name: str) -> str:
        """A header, empty when it is not there."""
        return self._response.getheader(name) or ""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, what is there already; none at the end.

        Raises `EngineError` when the answer is cut off or stops coming.
        """
        if self._left is not None:
            size = min(size, self._left)
        try:
            data = self._response.read1(size) if size else b""
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(reason(error)) from None
        if self._left is not None:
            # http.client takes the end of the connection for the end of the answer.
            if size and not data:
                raise self._failure("the connection was cut")
            self._left -= len(data)
        return data

    def read_exactly(self, size: int) -> bytes:
        """`size` bytes, or none at the end. Raises `EngineError` when the end comes in between."""
        data = self.read(size)
        while 0 < len(data) < size:
            more = self.read(size - len(data))
            if not more:
                raise self._failure("the answer was cut off")
            data += more
        return data

    def content(self) -> bytes:
        """The whole of a short answer."""
        data = bytearray()
        while piece := self.read(_PIECE):
            data += piece
            if len(data) > _MAX_DOCUMENT:
                raise self._failure(f"the answer is longer than {_MAX_DOCUMENT} bytes")
        return bytes(data)

    def value(self) -> Any:
        """The JSON value that a short answer is."""
        return self._value(self.content())

    def document(self) -> dict[str, Any]:
        """The JSON object that a short answer is."""
        return self._object(self.content())

    def messages(self) -> Iterator[dict[str, Any]]:
        """The JSON objects of an answer that has one in each line. Raises `EngineError` with the engine's words for a
        line that tells of an error."""
        for line in self._lines():
            message = self._object(line)
            detail = message.get("errorDetail")
            told = (detail.get("message") if isinstance(detail, dict) else None) or message.get("error")
            if told:
                raise self._failure(str(told))
            yield message

    def _lines(self) -> Iterator[bytes]:
        """The lines that are not empty."""
        waiting = b""
        ended = False
        while not ended:
            piece = self.read(_PIECE)
            ended = not piece
            *lines, waiting = (waiting + piece).split(b"\n") if piece else (waiting, b"")
            if max(map(len, (*lines, waiting))) > _MAX_LINE:
                raise self._failure(f"a line of the answer is longer than {_MAX_LINE} bytes")
            yield from filter(bytes.strip, lines)

    def _object(self, content: bytes) -> dict[str, Any]:
        value = self._value(content)
        if not isinstance(value, dict):
            raise self._strange(content)
        return value

    def _value(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self._strange(content) from None

    def _strange(self, content: bytes) -> EngineError:
        shown = content[:200].decode(errors="replace").strip()
        return self._failure(f"it answered something that no Docker Engine says: {shown!r}")

    def _failure(self, message: str) -> EngineError:
        return EngineError(f"{self._engine} could not {self._what}: {message[:_SHOWN]}")


def reason(error: Exception) -> str:
    """What happened to a connection, for people."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, PermissionError):
        return "this user may not talk to it (for Docker, join the group docker)"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError)):
        return "the connection was cut"
    if isinstance(error, http.client.HTTPException):
        return "what answers is no Docker Engine"
    return str(error)
