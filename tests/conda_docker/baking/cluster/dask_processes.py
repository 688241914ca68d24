"""A Dask scheduler and workers as processes of their own, which tests can kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.containment import dying_with_us
from tests.peers.ports import free_port
from tests.peers.processor_time import processor_time

_QUIET = {
    "DASK_LOGGING__DISTRIBUTED": "error",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__GIL__ENABLED": "False",
    # As --print-dask-worker says:
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "500ms",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
}


@dataclass(slots=True)
class Cluster:
    """A scheduler on a port of its own; each worker has some `threads` and a cache of its own."""

    folder: Path
    environment: Mapping[str, str]
    threads: int = 1
    port: int = 0
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, workers: int) -> Cluster:
        if not self.port:
            self.port = free_port()
        self.start_scheduler()
        for _ in range(workers):
            self.start_worker()
        return self

    def start_scheduler(self) -> None:
        self.scheduler = self._start(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=10).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "the scheduler does not start"
                time.sleep(0.05)

    def start_worker(self) -> None:
        self.started += 1
        home = self.folder / f"worker-{self.started}"
        home.mkdir(parents=True)
        self.workers.append(
            self._start(
                "distributed.cli.dask_worker",
                self.address,
                *("--nthreads", str(self.threads), "--no-nanny", "--no-dashboard", "--local-directory", str(home)),
                CONDA_DOCKER_CACHE=str(home / "cache"),
                HOME=str(home),
            )
        )

    def kill_worker(self) -> None:
        """Kill the oldest worker, whatever it is at."""
        _kill(self.workers.pop(0))

    def kill_scheduler(self) -> None:
        assert self.scheduler is not None
        _kill(self.scheduler)

    def cpu(self) -> float:
        """Return the processor seconds that the scheduler and the workers have taken."""
        processes = [*self.workers, *([self.scheduler] if self.scheduler else [])]
        return sum(processor_time(process.pid) for process in processes)

    def stop(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            _kill(process)

    def _start(self, module: str, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        code = f"import runpy, sys; sys.argv[0] = {module!r}; from {module} import main; main()"
        return subprocess.Popen(
            dying_with_us([sys.executable, "-c", code, *arguments]),
            env={**os.environ, **self.environment, **_QUIET, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if "SHOW_DASK" not in os.environ else None,
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()
