"""Schedulers of Dask: how one is reached, and what of its client is used."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from conda_docker.errors import InvalidTargets, MissingExtra
from conda_docker.user_files import user_path
from python_docker.errors import ConnectionFailed, Error, NotFound

RETRIES = 3
"""How often a task is tried again that met an error which may pass, and how often the scheduler is looked for again."""
_PAUSE = 2.0  # seconds between two attempts to find a scheduler again
_SOON = 2.0  # seconds after which it is said that a scheduler does not answer
_ANSWER = 5.0  # seconds that a worker may take to answer
_log = logging.getLogger("conda_docker")
CONFIGURED = "config"
"""In place of an address: the scheduler that Dask's own configuration names."""


class Future(Protocol):
    """What of a Dask future is used here."""

    key: tuple[str, str]
    status: str

    def result(self) -> object: ...

    def exception(self) -> BaseException | None: ...

    def add_done_callback(self, call: Any) -> None: ...


class Client(Protocol):
    """What of a Dask client is used here."""

    def submit(
        self, call: Any, *args: object, key: tuple[str, str], priority: int, retries: int, pure: bool
    ) -> Future: ...

    def cancel(self, futures: Sequence[Future], *, force: bool = False) -> None: ...

    def nthreads(self) -> Mapping[str, int]: ...

    def processing(self) -> Mapping[str, Sequence[object]]: ...

    def gather(self, futures: Sequence[Future], *, errors: str) -> Sequence[object]: ...

    def close(self) -> None: ...


class SchedulerLost(ConnectionFailed):
    """A scheduler that went away with what it knew."""


def _tells_more(record: logging.LogRecord) -> bool:
    """Return whether a record of Dask's says more than that an attempt to connect was given up."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def import_distributed() -> Any:
    """Return the module `distributed`. Raises `MissingExtra` where it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise MissingExtra(
            f"--scheduler needs Dask, which is not installed ({error.name}): install it with "
            "`pip install 'conda-docker[dask]'`"
        ) from None
    # Its client logs that, with a traceback, where a scheduler goes away; what becomes of the bake is said here.
    for name in ("distributed.client", "distributed.comm.core", "distributed.utils"):
        logging.getLogger(name).addFilter(_tells_more)
    return distributed


def as_completed(futures: Sequence[Future]) -> Iterable[list[Future]]:
    """Yield tasks as they end, in whatever way: at once all that have."""
    return cast("Iterable[list[Future]]", import_distributed().as_completed(futures, raise_errors=False).batches())


def answers(client: Client, worker: str) -> bool:
    """Return whether a worker answers a question within a few seconds."""
    asked = cast("Any", client)

    async def ask() -> None:
        await asked.run(os.getpid, workers=[worker])

    try:
        asked.sync(ask, callback_timeout=_ANSWER)
    except Exception:  # it is gone by now, or too busy to say
        return False
    return True


def connect(scheduler: str) -> Client:
    """Return a client of a scheduler: an address, the path of a scheduler's file, or `config`.

    Raises `ConnectionFailed`, `NotFound` for a file that is not there, and `InvalidTargets` where Dask's configuration
    names no scheduler.
    """
    distributed = import_distributed()
    options: dict[str, Any] = {"name": "conda-docker"}
    try:
        if scheduler == CONFIGURED:
            import dask

            if dask.config.get("scheduler-address", None) is None:
                raise InvalidTargets(
                    "--scheduler config: Dask's configuration names no scheduler; set DASK_SCHEDULER_ADDRESS"
                )
        elif scheduler.endswith(".json"):
            if not (path := user_path(scheduler)).is_file():  # Dask's client waits for one that never comes
                raise NotFound(
                    f"there is no scheduler's file {scheduler}: `dask scheduler --scheduler-file {scheduler}` writes it"
                )
            options["scheduler_file"] = str(path)
        else:
            options["address"] = scheduler
        with _awaited(scheduler):
            return cast("Client", distributed.Client(**options))
    except (OSError, ValueError, TypeError, ImportError) as error:
        if isinstance(error, Error):
            raise
        raise ConnectionFailed(f"cannot reach the Dask scheduler {scheduler}: {error}") from error


@contextmanager
def _awaited(scheduler: str) -> Iterator[None]:
    """Say that a scheduler is waited for, and how long at most, where it does not answer soon."""
    import dask

    most = dask.config.get("distributed.comm.timeouts.connect", None)
    limit = f" for up to {most}" if isinstance(most, str) else ""
    said = threading.Timer(_SOON, _log.warning, ("no answer from the Dask scheduler %s; waiting%s", scheduler, limit))
    said.daemon = True
    said.start()
    try:
        yield
    finally:
        said.cancel()


def address_of(client: Client) -> str:
    """Return the address of the scheduler that a client is connected to."""
    return str(cast("Any", client).scheduler.address)


def reconnect(client: Client, scheduler: str) -> Client:
    """Return a new client: the old one's futures are gone."""
    client.close()
    for _ in range(RETRIES):
        try:
            return connect(scheduler)
        except ConnectionFailed:
            time.sleep(_PAUSE)
    return connect(scheduler)
