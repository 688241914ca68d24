"""What one does with a cache, the others wait for."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conda_docker.cache import alone as module
from conda_docker.cache.alone import alone
from conda_docker.cache.folder import CacheFolder

NAME = 64 * "a"


def test_one_at_a_time_is_in_the_block(tmp_path: Path) -> None:
    cache, within = CacheFolder(tmp_path), threading.Lock()

    def work() -> bool:
        with alone(cache, "layer", NAME):
            if not within.acquire(blocking=False):
                return False
            time.sleep(0.01)
            within.release()
            return True

    with ThreadPoolExecutor(4) as pool:
        assert all(future.result() for future in [pool.submit(work) for _ in range(4)])
    assert list((tmp_path / "blobs").iterdir()) == []


def test_others_do_something_else_meanwhile(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path)
    with alone(cache, "layer", NAME), alone(cache, "layer", 64 * "b"), alone(cache, "fetch", NAME):
        assert len(list((tmp_path / "blobs").iterdir())) == 3


def test_who_waits_asks_whether_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.01)
    cache = CacheFolder(tmp_path)

    def give_up() -> None:
        raise KeyboardInterrupt

    with alone(cache, "layer", NAME), pytest.raises(KeyboardInterrupt), alone(cache, "layer", NAME, give_up):
        pass
