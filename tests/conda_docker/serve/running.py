"""The program as a server of real packages, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.base import make_base
from demo.channel import RealChannel


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server, and the host that clients name."""

    host: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def start_server(
    real_channel: RealChannel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningServer]]:
    """Return a function that starts the program on a free port, with a configuration beside its channel and base."""
    running = []

    def start(more: str = "") -> RunningServer:
        values = {"base": f"oci:{make_base()}", "channels": [real_channel.url], "platforms": ["linux/amd64"]}
        running.append(run_server(tmp_path_factory.mktemp("server"), values, more))
        return running[-1]

    yield start
    for server in running:
        server.kill()


def run_server(
    folder: Path, values: Mapping[str, object], more: str = "", options: Sequence[str | Path] = ()
) -> RunningServer:
    """Start the program on a free port, with a configuration and with its home and its cache in `folder`."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (folder / "serve.toml").write_text("\n".join([*lines, more]))
    (folder / "home").mkdir()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("conda-docker"), "serve", "--config", "serve.toml", "--port", "0", *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "CONDA_DOCKER_CACHE": str(folder / "cache")},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    match = re.search(r"https?://127\.0\.0\.1:(\d+)", said)
    if match is None:
        process.kill()
        raise AssertionError(said + process.communicate()[1])
    return RunningServer(f"localhost:{match[1]}", process)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., RunningServer]) -> RunningServer:
    """Return a server that anybody may use."""
    return start_server()
