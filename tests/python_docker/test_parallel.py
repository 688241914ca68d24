"""Calls side by side."""

from __future__ import annotations

import threading
import time

import pytest

from python_docker.blob import Blob
from python_docker.copy import (
    put_blobs,
)
from python_docker.errors import Error, NotFound
from python_docker.parallel import in_parallel
from python_docker.progress import SILENT, Task
from python_docker.spec.media_types import OCI_MANIFEST
from tests.python_docker.copying import Kept


def test_results_come_in_order() -> None:
    barrier = threading.Barrier(3)

    def call(number: int) -> int:
        if number < 3:
            barrier.wait(10)
        return number

    assert in_parallel([lambda number=number: call(number) for number in range(20)], 3) == list(range(20))  # type: ignore[misc]
    assert in_parallel([lambda: 1], 5) == [1]
    assert in_parallel([], 5) == []


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_after_an_error_no_more_calls_are_begun(workers: int) -> None:
    begun: list[int] = []
    failed = threading.Event()

    def call(number: int) -> None:
        begun.append(number)
        if number == 1:
            failed.set()
            raise Error("the first")
        if number > 1:
            failed.wait(10)

    with pytest.raises(Error, match="the first"):
        in_parallel([lambda number=number: call(number) for number in range(1000)], workers)  # type: ignore[misc]
    assert len(begun) < 1000


def test_a_failure_ends_what_is_under_way() -> None:
    started = threading.Event()

    class Failing(Kept):
        parallel = 2

        def put_blob(self, blob: Blob, task: Task) -> str:
            if blob.descriptor.digest == config.descriptor.digest:
                started.wait(10)
                raise NotFound("it broke")
            for _ in range(1000):
                started.set()
                task.advance(0)
                time.sleep(0.01)
            raise AssertionError("it went on to its end")

    config = Blob.from_bytes(b"{}", OCI_MANIFEST)
    with pytest.raises(NotFound, match="it broke"):
        put_blobs([Blob.from_bytes(b"large", OCI_MANIFEST), config], Failing(), SILENT)
