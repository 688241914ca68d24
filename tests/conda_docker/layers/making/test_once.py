"""Several builds that make one layer at once, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import IO

import pytest

from conda_docker.cache import alone
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.making.once import made_once
from conda_docker.layers.stores.folder import FolderStore
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.parallel import Stop
from python_docker.tar import TarEntry

INPUTS = {"packages": ["python"]}

_MAKE = """
import sys
from pathlib import Path
from tests.conda_docker.layers.making.test_once import INPUTS, FolderStore, Stop, made, made_once

def make():
    print("makes", flush=True)
    sys.stdin.readline()
    return made(store)

store = FolderStore(Path(sys.argv[1]))
print(made_once(INPUTS, store, make, Stop())[2])
"""


def made(store: FolderStore) -> tuple[Layer, LayerFacts]:
    """Make a layer of one file."""
    with build_layer(store.blobs.writer()) as builder:
        builder.add(TarEntry("python", size=6), b"python")
    assert builder.layer is not None
    return builder.layer, LayerFacts(packages=("python",))


def not_made() -> tuple[Layer, LayerFacts]:
    """Fail where nothing is to be made."""
    raise AssertionError


def start_making(cache: Path) -> subprocess.Popen[str]:
    """Start a process that is at work on the layer until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAKE, str(cache)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert said_by(process).readline() == "makes\n"
    return process


def said_by(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def test_who_comes_second_takes_what_the_first_has_made(tmp_path: Path) -> None:
    first = start_making(tmp_path)
    second = subprocess.Popen(
        [sys.executable, "-c", _MAKE, str(tmp_path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    time.sleep(0.3)
    assert second.poll() is None
    assert first.communicate("\n", timeout=30)[0] == "False\n"
    assert second.communicate(timeout=30)[0] == "True\n"
    assert not list((tmp_path / "blobs").glob(".*partial*"))


def test_a_process_that_is_killed_lets_the_next_in_at_once(tmp_path: Path) -> None:
    first = start_making(tmp_path)
    first.kill()
    first.communicate()
    begun = time.monotonic()
    store = FolderStore(tmp_path)
    assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]
    assert time.monotonic() - begun < 2


def test_who_is_told_to_stop_waits_no_longer(tmp_path: Path) -> None:
    first = start_making(tmp_path)
    stop = Stop()
    stop.set(OSError("the disk is full"))
    try:
        with pytest.raises(CancelledError):
            made_once(INPUTS, FolderStore(tmp_path), not_made, stop)
    finally:
        first.kill()
        first.communicate()


def test_one_that_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_PATIENCE", 0.1)
    first = start_making(tmp_path)
    store = FolderStore(tmp_path)
    try:
        assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]
    finally:
        first.kill()
        first.communicate()


def test_a_layer_is_made_anew_where_that_is_wanted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]
    assert made_once(INPUTS, store, not_made, Stop())[2]
    assert not made_once(INPUTS, store, lambda: made(store), Stop(), anew=True)[2]
