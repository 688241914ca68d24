"""Printing bytes as they come to this process's standard streams, whatever stands in for these."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import TextIO


def printer(stream: TextIO | None) -> Callable[[bytes], object]:
    """Return a function that prints bytes on a stream such as `sys.stdout` at once.

    Bytes stay as they are where the stream has bytes beneath it; a notebook's has not, and gets text.
    """
    if stream is None:
        # A program without a terminal on Windows has no streams.
        return lambda data: None
    beneath = getattr(stream, "buffer", None)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(data: bytes) -> None:
        if beneath is not None:
            stream.flush()
            beneath.write(data)
            beneath.flush()
        else:
            stream.write(decoder.decode(data))
            stream.flush()

    return write
