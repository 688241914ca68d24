"""worker_command: how a Dask worker for this program is started."""

from __future__ import annotations

import platform

from python_docker.version import __version__


def worker_command(scheduler: str | None) -> str:
    """Return a command line that starts a worker of a scheduler; of any, where its address is not known.

    The worker needs this release and the same Python; nothing else is sent there.

    >>> worker_command("tcp://host:8786").splitlines()[-1]
    'dask worker tcp://host:8786 --nworkers auto --nthreads 1'
    """
    address = scheduler if scheduler not in (None, "config") else "$DASK_SCHEDULER_ADDRESS"
    python = ".".join(platform.python_version_tuple()[:2])
    return "\n".join(
        [
            f"# On each worker, with Python {python}, and logins to the registry and the channels of its own:",
            f"pip install 'conda-docker[dask]=={__version__}'",
            "# Dask's own profiler takes half of the CPU of an idle worker, and may hang it in Python 3.11:",
            "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
            "# By default it looks fifty times a second at whether its own loop is late, for 1 % of a processor:",
            "export DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL=500ms",
            f"dask worker {address} --nworkers auto --nthreads 1",
        ]
    )
