"""Threads that learn that the process is to end."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from python_docker import interruption
from python_docker.interruption import check_interruption
from python_docker.streams.compression import Compression
from python_docker.streams.compressor import CompressingWriter


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


class Endless(Executor):
    """Threads that never end what they are given."""

    def submit(self, *_: object, **__: object) -> Future[Any]:
        return Future()


def test_blocks_that_are_being_compressed_are_not_waited_for(interrupted: threading.Event) -> None:
    timer = threading.Timer(0.2, interrupted.set)
    timer.start()
    with (
        pytest.raises(KeyboardInterrupt),
        CompressingWriter(lambda block: None, Compression.ZSTD, 22, Endless()) as writer,
    ):
        while True:
            writer.write(bytes(1 << 20))
    timer.join()
