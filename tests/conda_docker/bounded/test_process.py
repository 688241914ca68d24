"""Whatever becomes of a bounded process, the call ends with one error, and no process is left."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conda_docker.bounded import process as bounded_process
from conda_docker.bounded.process import BoundedProcess, ProcessDied
from conda_docker.errors import InvalidSpec, SolverFailed
from python_docker import interruption
from python_docker.errors import Error, OutOfTime
from python_docker.time_limit import time_limit
from tests.conda_docker.bounded import functions
from tests.processes import LONG, ended_with_us, wait_for


@pytest.fixture
def process() -> Iterator[BoundedProcess]:
    started = BoundedProcess()
    yield started
    started.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_an_error_is_as_it_was_raised(process: BoundedProcess) -> None:
    with pytest.raises(InvalidSpec, match="not a spec") as caught:
        process.call(functions.fail)
    assert (caught.value.spec, caught.value.place) == ("a b c", "environment.yml")
    assert process.is_idle


def test_an_unexpected_error_says_where_it_comes_from(process: BoundedProcess) -> None:
    with pytest.raises(KeyError) as caught:
        process.call(functions.fail_unexpectedly)
    assert "functions.py" in str(caught.value.__cause__)


@pytest.mark.parametrize("function", [functions.fail_unportably, functions.give_what_cannot_be_pickled])
def test_what_cannot_be_pickled_is_an_error(process: BoundedProcess, function: Callable[[], object]) -> None:
    with pytest.raises(SolverFailed, match="unexpected"):
        process.call(function)
    assert process.is_idle


def test_what_is_asked_back(process: BoundedProcess) -> None:
    assert process.call(functions.ask, "who", asked=lambda question: f"{question}: me") == "who: me"


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_that_ends(process: BoundedProcess, code: int) -> None:
    with pytest.raises(ProcessDied, match=rf"without an answer \(exit code {code}\): the last words"):
        process.call(functions.end, code)


def test_a_process_that_is_killed(process: BoundedProcess, tmp_path: Path) -> None:
    process.send(functions.wait_forever, str(tmp_path / "begun"))
    wait_for((tmp_path / "begun").exists)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ProcessDied, match=r"exit code -9"):
        process.receive()


def test_a_process_that_was_dead_before_it_was_asked(process: BoundedProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process._program.wait()
    with pytest.raises(ProcessDied, match=r"exit code -9"):
        process.call(functions.describe, "a")


def test_a_process_that_cannot_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_process, "_PROGRAM", "raise SystemExit('no room')")
    process = BoundedProcess()
    with pytest.raises(ProcessDied, match=r"exit code 1\): no room"):
        process.call(functions.describe, "a")


def test_half_an_answer_is_none(process: BoundedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = "import os, time; os.write(1, (100).to_bytes(8, 'big') + b'half')"
    monkeypatch.setattr(bounded_process, "_PROGRAM", cut)
    with pytest.raises(ProcessDied, match=r"exit code 0"):
        BoundedProcess().call(functions.describe, "a")


def test_interrupted(tmp_path: Path, process: BoundedProcess) -> None:
    def interrupt() -> None:
        wait_for((tmp_path / "begun").exists)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            process.call(functions.wait_forever, str(tmp_path / "begun"))
    finally:
        signal.signal(signal.SIGINT, previous)
        interrupting.join()
    assert not is_running(process.pid)


def test_interrupted_on_a_thread_that_no_signal_reaches(
    process: BoundedProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = threading.Event()
    monkeypatch.setattr(interruption, "interrupted", interrupted)
    process.send(functions.wait_forever, str(tmp_path / "begun"))
    interrupted.set()
    with pytest.raises(KeyboardInterrupt):
        process.receive()
    assert not is_running(process.pid)


def test_the_end_of_a_time_limit(process: BoundedProcess, tmp_path: Path) -> None:
    with time_limit(0.1), pytest.raises(OutOfTime):
        process.call(functions.wait_forever, str(tmp_path / "begun"))
    assert not is_running(process.pid)


def test_what_it_has_started_ends_with_it(process: BoundedProcess, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    process.send(functions.start_and_wait, str(begun))
    wait_for(begun.exists)
    process.close()
    wait_for(lambda: not is_running(int(begun.read_text())))


PARENT = """
import sys
from conda_docker.bounded.calls import bounded_call
from tests.conda_docker.bounded import functions
bounded_call(getattr(functions, sys.argv[1]), sys.argv[2])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is looked for in /proc")
@pytest.mark.parametrize("function", [functions.wait_forever, functions.start_and_wait])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_process_that_started_it(
    how: signal.Signals, function: Callable[[str], None], tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    command = [sys.executable, "-c", PARENT, function.__name__, str(begun)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with ended_with_us(subprocess.Popen(command, env=environ)) as parent:
        wait_for(begun.exists, parent)
        pid = int(begun.read_text())
        assert is_running(pid)
        parent.send_signal(how)
        parent.wait(LONG)
    wait_for(lambda: not is_running(pid))


def test_every_error_of_the_tree_goes_through() -> None:
    error = pickle.loads(pickle.dumps(ProcessDied("it ended")))
    assert isinstance(error, Error)
    assert str(error) == "it ended"
