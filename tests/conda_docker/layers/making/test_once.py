"""Several builds that make one layer at once, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

import pytest

from conda_docker.cache import alone
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.making.once import made_once
from conda_docker.layers.stores.folder import FolderStore
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.parallel import Stop
from python_docker.tar import TarEntry
from tests.processes import LONG, ended_with_us

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


@contextmanager
def making(cache: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a process that is at work on the layer until it is told to end, or the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAKE, str(cache)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with ended_with_us(process):
        assert process.stdout is not None
        assert process.stdout.readline() == "makes\n"
        yield process


def test_who_comes_second_takes_what_the_first_has_made(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _MAKE, str(tmp_path)]
    with (
        making(tmp_path) as first,
        ended_with_us(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)) as second,
    ):
        time.sleep(0.3)
        assert second.poll() is None
        assert first.communicate("\n", timeout=LONG)[0] == "False\n"
        assert second.communicate(timeout=LONG)[0] == "True\n"
    assert not list((tmp_path / "blobs").glob(".*partial*"))


def test_a_process_that_is_killed_lets_the_next_in_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_PATIENCE", 10_000)  # which this test does not have
    with making(tmp_path):
        pass
    store = FolderStore(tmp_path)
    assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]


def test_who_is_told_to_stop_waits_no_longer(tmp_path: Path) -> None:
    stop = Stop()
    stop.set(OSError("the disk is full"))
    with making(tmp_path), pytest.raises(CancelledError):
        made_once(INPUTS, FolderStore(tmp_path), not_made, stop)


def test_one_that_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "_PATIENCE", 0.1)
    store = FolderStore(tmp_path)
    with making(tmp_path):
        assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]


def test_a_layer_is_made_anew_where_that_is_wanted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert not made_once(INPUTS, store, lambda: made(store), Stop())[2]
    assert made_once(INPUTS, store, not_made, Stop())[2]
    assert not made_once(INPUTS, store, lambda: made(store), Stop(), anew=True)[2]
