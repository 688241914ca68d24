"""Threads that learn that the process is to end."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor

import pytest

from python_docker import interruption
from python_docker.interruption import check_interruption
from python_docker.streams.compression import Compression
from python_docker.streams.compressor import CompressingWriter, compression_pool


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    event = threading.Event()
    monkeypatch.setattr(interruption, "interrupted", event)
    return event


def test_nothing_is_raised_before(interrupted: threading.Event) -> None:
    check_interruption()
    interrupted.set()
    with pytest.raises(KeyboardInterrupt):
        check_interruption()


def test_blocks_that_are_being_compressed_are_not_waited_for(interrupted: threading.Event) -> None:
    pool: Executor = compression_pool(Compression.ZSTD)
    text = b"".join(number.to_bytes(3, "big") for number in range(4 << 20))
    threading.Timer(0.2, interrupted.set).start()
    begun = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        CompressingWriter(lambda block: None, Compression.ZSTD, 22, pool) as writer,
    ):
        while True:
            writer.write(text)
    assert time.monotonic() - begun < 3
