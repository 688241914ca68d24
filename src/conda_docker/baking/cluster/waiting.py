"""Waiting: lines for whoever waits for a scheduler that has nobody to do the work, or for workers that end nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from conda_docker.baking.cluster.scheduler import Client, address_of, answers

_log = logging.getLogger("conda_docker")

_PATIENCE = 10.0  # seconds without workers, after which it is said: on demand they take some to start
_SILENCE = 120.0  # seconds without a task that ends, after which it is said: a layer of a gigabyte takes less
_INTERVAL = 2.0  # seconds between two looks
_NAMED = 3  # workers


class Waiting:
    """What a bake waits for at a scheduler. `heard` is called for each task that ends."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._address = address_of(client)
        self._over = threading.Event()
        self._ended = self._seen = time.monotonic()
        self._told_of_none = self._told_of_silence = False

    def heard(self) -> None:
        """Note that a task has ended."""
        self._ended, self._told_of_silence = time.monotonic(), False

    def over(self) -> None:
        """Say nothing any more."""
        self._over.set()

    def watch(self) -> None:
        """Look every few seconds, and log what is waited for, once for each time that nothing happens."""
        while not self._over.wait(min(_INTERVAL, _PATIENCE)):
            try:
                self._look()
            except Exception:  # the scheduler is away, which the bake notices by itself
                return

    def _look(self) -> None:
        now = time.monotonic()
        if not self._client.nthreads():
            self._ended = now  # whoever comes has to begin
            if now - self._seen >= _PATIENCE and not self._told_of_none:
                self._told_of_none = True
                self._say(
                    f"no workers at {self._address}; waiting (conda-docker bake --print-dask-worker says how to start "
                    "one)"
                )
            return
        self._seen, self._told_of_none = now, False
        if now - self._ended >= _SILENCE and not self._told_of_silence:
            self._told_of_silence = True
            at_work = {worker: keys for worker, keys in self._client.processing().items() if keys}
            self._say(
                f"no task has ended at {self._address} for {_SILENCE:.0f} seconds; waiting for "
                + (self._described(at_work) or "the scheduler to give workers something to do")
            )

    def _described(self, at_work: Mapping[str, Sequence[object]]) -> str:
        """Return what some workers are at, and which of them do not answer."""
        named = []
        for worker, keys in list(at_work.items())[:_NAMED]:
            named.append(f"{_task_name(keys[0])} at {worker}")
            if not answers(self._client, worker):
                named[-1] += ", which does not answer (Dask gives its work to others after some minutes)"
        more = len(at_work) - len(named)
        return "; ".join(named) + (f"; and {more} more workers" if more else "")

    def _say(self, message: str) -> None:
        if not self._over.is_set():
            _log.warning("%s", message)


@contextmanager
def told_while_waiting(client: Client) -> Iterator[Waiting]:
    """Watch, while something is waited for, whether there are workers and whether tasks end, and log where not so."""
    waiting = Waiting(client)
    # A look may take long where the scheduler is away, and nobody waits for it.
    threading.Thread(target=waiting.watch, name="waiting", daemon=True).start()
    try:
        yield waiting
    finally:
        waiting.over()


def _task_name(key: object) -> str:
    """Return the key of a task as people read it."""
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
