"""ReadAhead: a stream that is read in a thread of its own, while what was read before is worked on."""

from __future__ import annotations

import queue
import threading
from typing import BinaryIO, Final

from python_docker.streams.stream import ReadStream

READ_SIZE: Final = 1 << 20
"""Bytes of a piece."""
_AHEAD = 3  # pieces


class ReadAhead(ReadStream):
    """Gives what `stream` holds, at most a few pieces of which are read before anybody asks. Raises what it raises.

    It owns `stream`, which its thread closes: at once when the end was reached, else when a read that is under way
    returns, for which closing does not wait.

    >>> import io
    >>> ReadAhead(io.BytesIO(b"abc")).read()
    b'abc'
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._piece = b""
        self._at = 0
        self._ended = False
        self._thread = threading.Thread(target=self._read_all, name="read-ahead", daemon=True)
        self._thread.start()

    def _read_all(self) -> None:
        try:
            with self._stream as stream:
                while not self._stopped.is_set():
                    data = stream.read(READ_SIZE)
                    if not data:
                        break
                    self._pieces.put(data)
            end: bytes | BaseException = b""
        except BaseException as error:
            end = error
        self._pieces.put(end)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(READ_SIZE), b""))
        if self._at == len(self._piece):
            if self._ended:
                return b""
            found = self._pieces.get()
            if not found or isinstance(found, BaseException):
                self._ended = True
                self._thread.join()
            if isinstance(found, BaseException):
                raise found
            self._piece, self._at = found, 0
        if not self._at and len(self._piece) <= size:
            data, self._piece = self._piece, b""
            return data
        data = self._piece[self._at : self._at + size]
        self._at += len(data)
        return data

    def close(self) -> None:
        if not self.closed and not self._ended:
            self._stopped.set()
            # The thread has at most one piece and its end to put, for which there is room now.
            while not self._pieces.empty():
                self._pieces.get_nowait()
        super().close()
