"""The Docker SDK's client, with bounds on what an engine may answer: the SDK reads answers however long they are."""

from __future__ import annotations

import codecs
import io
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from docker import APIClient

from python_docker.http.connections.waiting import interruptibly

_MAX_ANSWER: Final = 8 << 20  # bytes of a document, and of one message of those that load, pull and push give
_PIECE: Final = 64 << 10


class BoundedClient(APIClient):
    """A client whose answers have at most 8 MiB, but for archives, and are read in `timeout` seconds each."""

    def greet(self) -> Any:
        """Return what the server says of itself, as it comes. Raises what the SDK raises, and `TimeoutError`."""
        # A head that comes byte by byte is no silence.
        return interruptibly(lambda: self.version(api_version=False), cast("float", self.timeout))

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request as `requests` does. Raises `ValueError` for an answer that is too long or too slow, too."""
        response = super().send(request, **{**options, "stream": True})
        if not options.get("stream") or response.status_code >= 400:
            self._read(response)
        return response

    def _read(self, response: Any) -> None:
        """Have the whole body of an answer at hand."""
        deadline = time.monotonic() + cast("float", self.timeout)
        content = bytearray()
        with response.raw as raw:
            for piece in raw.stream(_PIECE, decode_content=True):
                content += piece
                if len(content) > _MAX_ANSWER:
                    raise ValueError(f"it answers with more than {_MAX_ANSWER >> 20} MiB")
                if time.monotonic() > deadline:
                    raise TimeoutError("timed out")
        response.raw = io.BytesIO(content)

    def _stream_helper(self, response: Any, decode: bool = False) -> Iterator[Any]:
        """Yield the messages of an answer (the SDK's own reads a chunk of any size at once)."""
        if not decode:
            yield from super()._stream_helper(response, decode)  # type: ignore[misc]  # unknown to its stubs
        elif response.status_code < 400 and "chunked" in response.headers.get("Transfer-Encoding", ""):
            with response.raw as raw:
                yield from json_messages(raw.stream(_PIECE))
        else:
            # The SDK's reading of it: an error, or all that there is to say.
            if response.status_code < 400:
                self._read(response)
            yield self._result(response, json=True)  # type: ignore[attr-defined]  # likewise


def json_messages(pieces: Iterable[bytes]) -> Iterator[Any]:
    """Yield the JSON values that follow one another in pieces of text.

    Raises `ValueError` for what is not JSON, or is a value of more than 8 MiB.

    >>> list(json_messages([b'{"a": 1}\\r\\n{"b"', b": 2}\\r\\n"]))
    [{'a': 1}, {'b': 2}]
    """
    decoder = json.JSONDecoder()
    text = codecs.getincrementaldecoder("utf-8")("replace")
    waiting = ""
    for piece in pieces:
        waiting = (waiting + text.decode(piece)).lstrip()
        while waiting:
            try:
                value, end = decoder.raw_decode(waiting)
            except ValueError:
                break
            yield value
            waiting = waiting[end:].lstrip()
        if len(waiting) > _MAX_ANSWER:
            raise ValueError(f"it answers with a message of more than {_MAX_ANSWER >> 20} MiB")
    if waiting:
        json.loads(waiting)
