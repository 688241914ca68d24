"""Messages between two processes, and the end of one of them."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys

import pytest

from conda_docker.bounded.program import is_bounded, read_message, write_message


def test_messages_come_one_after_the_other() -> None:
    stream = io.BytesIO()
    write_message(stream, "first")
    write_message(stream, ("second", 2))
    stream.seek(0)
    assert [pickle.loads(read_message(stream)) for _ in range(2)] == ["first", ("second", 2)]
    assert read_message(stream) == b""


@pytest.mark.parametrize("size", [1, 8, 10])
def test_half_a_message_is_the_end(size: int) -> None:
    stream = io.BytesIO()
    write_message(stream, "first")
    assert read_message(io.BytesIO(stream.getvalue()[:size])) == b""


def test_a_process_of_the_users_is_not_one_of_these() -> None:
    assert not is_bounded()


def test_it_ends_when_nobody_asks_any_more() -> None:
    command = [sys.executable, "-c", "from conda_docker.bounded.program import main; main()"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
