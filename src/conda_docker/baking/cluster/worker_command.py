"""worker_command: how a Dask worker for this program is started."""

from __future__ import annotations

import platform

from python_docker.version import __version__

THREADS = 4
"""How many tasks a worker does at once: most of the time of one, it waits for a registry or a channel."""


def worker_command(scheduler: str | None) -> str:
    """Return a command line that starts a worker of a scheduler; of any, where its address is not known.

    The worker needs this release and the same Python; nothing else is sent there.

    >>> worker_command("tcp://host:8786").splitlines()[-1]
    'dask worker tcp://host:8786 --nworkers -1 --nthreads 4'
    """
    address = scheduler if scheduler not in (None, "config") else "$DASK_SCHEDULER_ADDRESS"
    python = ".".join(platform.python_version_tuple()[:2])
    return "\n".join(
        [
            f"# On each worker, with Python {python}, and logins to the registry and the channels of its own:",
            f"pip install 'conda-docker[dask]=={__version__}'",
            "# Dask's own profiler takes half of the CPU of an idle worker, and may hang it in Python 3.11:",
            "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
            "# By default it looks at its own loop and memory some sixty times a second, for 1.5% of a processor:",
            "export DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL=500ms",
            "export DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL=1s",
            "export DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL=5s",
            "# A worker for each processor; while one task waits for a registry, others go on:",
            f"dask worker {address} --nworkers -1 --nthreads {THREADS}",
        ]
    )
