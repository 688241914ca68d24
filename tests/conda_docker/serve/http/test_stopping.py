"""Signals that come at any moment in the life of a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = textwrap.dedent(
    """
    import importlib, inspect, os, signal, sys

    where, name, when, number, *arguments = sys.argv[1:]
    if signal.getsignal(int(number)) is signal.SIG_IGN:  # as under nohup
        signal.signal(int(number), signal.default_int_handler if int(number) == signal.SIGINT else signal.SIG_DFL)
    owner = importlib.import_module(where)
    *path, last = name.split(".")
    for each in path:
        owner = getattr(owner, each)
    called = getattr(owner, last)

    sent = []

    def signal_at(moment):
        if moment == when and not sent:
            sent.append(moment)
            os.kill(os.getpid(), int(number))

    def wrapped(*given, **named):
        signal_at("before")
        result = called(*given, **named)
        signal_at("after")
        return result

    async def awaited(*given, **named):
        signal_at("before")
        result = await called(*given, **named)
        signal_at("after")
        return result

    setattr(owner, last, awaited if inspect.iscoroutinefunction(called) else wrapped)
    from conda_docker.cli import main
    main(arguments)
    """
)
MOMENTS = {
    "before it is configured": ("conda_docker.serve.configuration_file", "configuration_of", "before"),
    "before it listens": ("socket", "create_server", "before"),
    "when it listens": ("socket", "create_server", "after"),
    "when it has certificates": ("uvicorn", "Config.load", "after"),
    "before it says so": ("conda_docker.cli.terminal.output", "Output.note", "before"),
    "when it has said so": ("conda_docker.cli.terminal.output", "Output.note", "after"),
    "before it has an event loop": ("uvicorn", "Server.run", "before"),
    "before it starts": ("uvicorn", "Server._serve", "before"),
    "before it accepts": ("uvicorn", "Server.startup", "before"),
    "when it accepts": ("uvicorn", "Server.startup", "after"),
    "when it serves": ("uvicorn", "Server.on_tick", "after"),
}


def ended(folder: Path, where: str, name: str, when: str, number: int) -> subprocess.CompletedProcess[str]:
    """Return a server that sent itself a signal at a moment, and ended."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, where, name, when, str(int(number)), "serve", "--port", "0"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "CONDA_DOCKER_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_signal_at_any_moment_ends_it(tmp_path: Path, moment: tuple[str, str, str]) -> None:
    server = ended(tmp_path, *moment, signal.SIGTERM)
    assert "Traceback" not in server.stderr
    lines = server.stderr.splitlines()
    if lines[0].startswith("serving images on"):  # from then on it ends as it is meant to
        assert (server.returncode, lines[1:]) == (0, ["stopped"])
    else:
        assert (server.returncode, lines) == (128 + signal.SIGTERM, ["error: terminated"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_end_it_too(tmp_path: Path, number: signal.Signals) -> None:
    server = ended(tmp_path, *MOMENTS["when it has said so"], number)
    assert (server.returncode, server.stderr.splitlines()[1:]) == (0, ["stopped"])
