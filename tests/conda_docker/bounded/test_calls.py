"""Calls in processes of their own: what they give, and processes that are used again."""

from __future__ import annotations

import os
import sys

import pytest

from conda_docker.bounded import calls
from conda_docker.bounded.calls import bounded_call, bounded_process, process_ahead, shared_processes
from conda_docker.bounded.limit import Bounds
from conda_docker.bounded.process import TookTooMuch
from conda_docker.errors import Unsolvable
from python_docker.errors import Error
from tests.conda_docker.bounded import functions


def test_a_call_has_a_process_of_its_own() -> None:
    (first, pid, bounded), (second, other, _) = (bounded_call(functions.describe, each) for each in ("a", "b"))
    assert (first, second, bounded) == ("A", "B", True)
    assert len({pid, other, os.getpid()}) == 3


def test_what_was_logged_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    bounded_call(functions.describe, "a")
    assert [record.getMessage() for record in caplog.records] == ["a was said"]


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "usual_bounds", lambda: Bounds(128 << 20))
    assert bounded_call(functions.take, 16 << 20) == 16 << 20
    with pytest.raises(TookTooMuch):
        bounded_call(functions.take, 128 << 20)


def test_the_limit_is_that_of_the_call() -> None:
    with bounded_process() as process:
        during = process.call(calls.call_within, Bounds(256 << 20), functions.data_limits)
        after = process.call(functions.data_limits)
    assert during == (256 << 20, 0), "and nothing is written of a process that ends"
    assert after != during


def test_within_a_block_processes_are_used_again() -> None:
    with shared_processes():
        pids = {bounded_call(functions.describe, "a")[1] for _ in range(3)}
        with pytest.raises(Unsolvable):
            bounded_call(functions.refuse)
        pids.add(bounded_call(functions.describe, "a")[1])
    [pid] = pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_has_died_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with shared_processes():
        with bounded_process() as process:
            process.call(functions.describe, "a")
        process.close()
        assert bounded_call(functions.describe, "a")[1] != process.pid


def test_a_process_that_was_started_ahead_answers_the_first_call_alone() -> None:
    with process_ahead("tests.conda_docker.bounded.functions", "no_such_module"):
        [ahead] = calls._kept._idle
        first, second = (bounded_call(functions.describe, each)[1] for each in ("a", "b"))
    assert first == ahead.pid
    assert second != ahead.pid


def test_a_process_that_was_started_ahead_in_vain_ends() -> None:
    with process_ahead():
        [ahead] = calls._kept._idle
    assert calls._kept._idle == []
    with pytest.raises(ProcessLookupError):
        os.kill(ahead.pid, 0)


def test_where_no_process_can_be_started_ahead_the_call_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    with process_ahead(), pytest.raises((Error, OSError), match="no/such/program"):
        bounded_call(functions.describe, "a")
