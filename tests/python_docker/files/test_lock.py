"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from python_docker.errors import Error
from python_docker.files.lock import locked, try_lock
from tests.processes import ended_with_us

_HOLD = """
import sys, time
from pathlib import Path
from python_docker.files.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_lock_is_held_until_the_file_is_closed(tmp_path: Path) -> None:
    numbers = [os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2)]
    assert try_lock(numbers[0])
    assert not try_lock(numbers[1])
    os.close(numbers[0])
    assert try_lock(numbers[1])
    os.close(numbers[1])


def test_folder_can_be_locked(tmp_path: Path) -> None:
    numbers = [os.open(tmp_path, os.O_RDONLY) for _ in range(2)]
    assert [try_lock(number) for number in numbers] == [True, False]
    for number in numbers:
        os.close(number)


def test_only_one_at_a_time(tmp_path: Path) -> None:
    inside, worst = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, worst
        for _ in range(30):
            with locked(tmp_path / "lock"):
                with guard:
                    inside += 1
                    worst = max(worst, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1
    assert list(tmp_path.iterdir()) == []


def test_lock_of_the_killed_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "lock")]
    with ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Error, match="another process holds the lock"), locked(tmp_path / "lock", timeout=0.1):
            pass
    with locked(tmp_path / "lock"):
        pass


def test_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        raise ZeroDivisionError
    with locked(tmp_path / "lock", timeout=0):
        pass
