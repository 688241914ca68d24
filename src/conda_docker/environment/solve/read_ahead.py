"""ReadAhead: indexes of channels that are read while it is not known yet what the packages are chosen for."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration

if TYPE_CHECKING:
    from rattler import Gateway

    from conda_docker.environment.solve.question import Question
    from conda_docker.environment.solve.request import SolveRequest


class ReadAhead:
    """A request whose channels' indexes are being read, on a thread of its own, which imports rattler as well.

    What fails there fails again, and is explained, when the request is solved.
    """

    def __init__(self, request: SolveRequest, configuration: CondaConfiguration | None = None) -> None:
        """Begin to read. `configuration` is conda's (None: the user's); `request` lacks virtual packages yet."""
        configuration = configuration or read_conda_configuration()
        self._begun: Future[tuple[Question, Gateway] | None] = Future()
        if isinstance(configuration.ssl_verify, str):
            # Rattler takes certificates from the environment alone, which is for all connections of the process.
            self._begun.set_result(None)
            return
        threading.Thread(target=self._read, args=[request, configuration], daemon=True).start()

    def begun(self) -> tuple[Question, Gateway] | None:
        """Return the question and the way by which its indexes are being read; None where that was not possible."""
        return self._begun.result()

    def _read(self, request: SolveRequest, configuration: CondaConfiguration) -> None:
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
        # Not what these depend on: that is much, and would be in memory here besides in the solver.
        with suppress(Exception):
            run(lambda: way.query(sources, platforms, names, recursive=False, channel_relations="disabled"))
