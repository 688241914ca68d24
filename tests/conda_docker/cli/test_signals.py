"""Signals that end the program, whenever they come."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conda_docker.cli.signals import Ended, exit_code_of_interruption, interruption_in
from tests.conda_docker.cli.conftest import LAYERS
from tests.images import write_oci_layout
from tests.processes import LONG, ended_with_us
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked

_HOLDS = """
import os, signal, sys, threading, time
from conda_docker import cli
from python_docker.interruption import interrupted
number = signal.Signals[sys.argv[1]]
if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup
    signal.signal(number, signal.SIG_DFL)
{what}
cli.main([])
"""
_AT_ONCE = "cli.start_quickly = lambda: os.kill(os.getpid(), number)"
_WHILE_A_CLASS_IS_MADE = """
class Field:
    def __set_name__(self, *names):
        os.kill(os.getpid(), number)
        time.sleep(1)
cli._invoke = lambda *args: type("Class", (), {"field": Field()})
"""
_ON_ANOTHER_THREAD = """
def take():
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), number)

def invoke(*args):
    threading.Thread(target=take, daemon=True).start()
    threading.Event().wait()
cli._invoke = invoke
"""
_SLOWLY = """
def invoke(*args):
    try:
        os.kill(os.getpid(), number)
        time.sleep(1)
    finally:
        time.sleep(1)
cli._invoke = invoke
"""


def ended(what: str, number: signal.Signals) -> tuple[int, str]:
    program = _HOLDS.format(what=what)
    done = subprocess.run(
        [sys.executable, "-c", program, number.name], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "what", [_AT_ONCE, _WHILE_A_CLASS_IS_MADE, _ON_ANOTHER_THREAD], ids=["at once", "class", "another thread"]
)
@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated"), (signal.SIGHUP, "hung up")],
)
def test_a_signal_at_any_moment_is_one(what: str, number: signal.Signals, said: str) -> None:
    code, errors = ended(what, number)
    # On a slow machine the end takes a while.
    assert (code, errors.removeprefix("stopping what is under way...\n")) == (128 + number, f"error: {said}\n")


def test_an_end_that_takes_a_while_is_announced() -> None:
    said = "stopping what is under way...\nerror: terminated\n"
    assert ended(_SLOWLY, signal.SIGTERM) == (143, said)


def test_an_error_because_of_an_interruption_is_one() -> None:
    try:
        try:
            raise Ended(signal.SIGTERM)
        except Ended as cause:
            raise RuntimeError("while a class was made") from cause
    except RuntimeError as error:
        found = interruption_in(error)
    assert found is not None
    assert exit_code_of_interruption(found) == 143
    assert exit_code_of_interruption(KeyboardInterrupt()) == 130


@pytest.mark.parametrize("silent", ["/v2/", "/v2/app/manifests/1", "/v2/app/blobs/"])
def test_a_registry_that_never_answers_holds_nobody_up(
    silent: str, environment: dict[str, str], tmp_path: Path
) -> None:
    asked, released = threading.Event(), threading.Event()

    def hold(request: Asked) -> Answer | None:
        if (request.path == silent or silent != "/v2/") and request.path.startswith(silent):
            asked.set()
            released.wait()
        return None

    write_oci_layout(tmp_path / "layout", LAYERS)
    registry = StubRegistry()
    place = f"docker://{registry.host}/app:1"
    reads = "manifests" in silent
    ends = [place, "oci:copy"] if reads else ["oci:layout", place]
    registry.hook = hold
    process = subprocess.Popen(
        [sys.executable, "-m", "conda_docker", "-q", "copy", *ends],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        with ended_with_us(process):
            assert asked.wait(LONG)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=LONG)
    finally:
        released.set()
        registry.stop()
    assert (process.returncode, output, errors.splitlines()[-1]) == (130, b"", b"error: interrupted")
    assert b"Traceback" not in errors
    assert registry.manifests == {}
    assert not (tmp_path / "copy").exists()
