"""told_of_no_workers: a line for whoever waits for a scheduler that has nobody to do the work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from conda_docker.baking.cluster.scheduler import Client, address_of

_log = logging.getLogger("conda_docker")

_PATIENCE = 10.0  # seconds without workers, after which it is said: on demand they take some to start
_INTERVAL = 2.0  # seconds between two looks


@contextmanager
def told_of_no_workers(client: Client) -> Iterator[None]:
    """Watch, while something is waited for, whether a scheduler has workers, and log a warning where it has none.

    It is said once for each time that they are gone.
    """
    over = threading.Event()
    # A look may take long where the scheduler is away, and nobody waits for it.
    threading.Thread(target=_watch, args=(client, over), name="workers", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(client: Client, over: threading.Event) -> None:
    address = address_of(client)
    begun = time.monotonic()
    told = False
    while not over.wait(min(_INTERVAL, _PATIENCE)):
        try:
            workers = client.nthreads()
        except Exception:  # the scheduler is away, which the bake notices by itself
            return
        if workers:
            begun, told = time.monotonic(), False
        elif not told and not over.is_set() and time.monotonic() - begun >= _PATIENCE:
            told = True
            _log.warning(
                "no workers at %s; waiting (conda-docker bake --print-dask-worker says how to start one)", address
            )
