"""ReadAhead: indexes of channels that are read while it is not known yet what the packages are chosen for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration

if TYPE_CHECKING:
    from types import TracebackType

    from rattler import Gateway

    from conda_docker.environment.solve.question import Question
    from conda_docker.environment.solve.request import SolveRequest


_PATIENCE = 2.0
"""Seconds; to end takes milliseconds, unless rattler is being imported."""


class ReadAhead:
    """A request whose channels' indexes are being read, on a thread of its own, which imports rattler as well.

    What fails there fails again, and is explained, when the request is solved. A context manager: nothing is read any
    more when it is left, be it for an error elsewhere.
    """

    def __init__(self, request: SolveRequest, configuration: CondaConfiguration | None = None) -> None:
        """Begin to read. `configuration` is conda's (None: the user's); `request` lacks virtual packages yet."""
        configuration = configuration or read_conda_configuration()
        self._cancel: Callable[[], object] | None = None
        self._is_left = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun: Future[tuple[Question, Gateway] | None] = Future()
        if isinstance(configuration.ssl_verify, str):
            # Rattler takes certificates from the environment alone, which is for all connections of the process.
            self._begun.set_result(None)
            return
        self._thread = threading.Thread(target=self._read, args=[request, configuration], daemon=True)
        self._thread.start()

    @property
    def is_reading(self) -> bool:
        """Whether anything is being read."""
        return self._thread is not None and self._thread.is_alive()

    def begun(self) -> tuple[Question, Gateway] | None:
        """Return the question and the way by which its indexes are being read; None where that was not possible."""
        return self._begun.result()

    def _read(self, request: SolveRequest, configuration: CondaConfiguration) -> None:
        import asyncio

        try:
            import rattler

            from conda_docker.channels.rattler_engine import run
            from conda_docker.environment.solve.question import gateway_of, question_of

            question = question_of(request, configuration)
            way = gateway_of(question)
        except BaseException:
            self._begun.set_result(None)
            return
        self._begun.set_result((question, way))
        sources = [rattler.Channel(url) for url in question.channels]
        platforms = [rattler.Subdir(question.subdir), rattler.Subdir("noarch")]
        names = [spec.name for spec in question.requested]

        async def query() -> None:
            # Not what these depend on: that is much, and would be in memory here besides in the solver.
            reading = asyncio.ensure_future(
                way.query(sources, platforms, names, recursive=False, channel_relations="disabled")
            )
            loop = asyncio.get_running_loop()
            self._cancel = lambda: loop.call_soon_threadsafe(reading.cancel)
            if self._is_left.is_set():
                reading.cancel()
            await reading

        with suppress(Exception, asyncio.CancelledError, KeyboardInterrupt):
            run(query)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left.set()
        if self._cancel is not None:
            with suppress(RuntimeError):  # it has ended by itself, and its loop is closed
                self._cancel()
        if self._thread is not None:
            self._thread.join(_PATIENCE)  # a program may end now, and threads in rattler must not outlive it
