"""ReadAhead: indexes of channels that are read while it is not known yet what the packages are chosen for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self, TypeVar, cast

from conda_docker.bounded.calls import bounded_call, bounded_process, call_within
from conda_docker.bounded.limit import usual_bounds
from conda_docker.bounded.program import is_bounded
from conda_docker.channels.configuration import CondaConfiguration, read_conda_configuration

if TYPE_CHECKING:
    from types import TracebackType

    from conda_docker.environment.solve.request import SolveRequest

T = TypeVar("T")


class ReadAhead:
    """A request whose channels' indexes are being read, in the process that answers it then.

    What fails there fails again, and is explained, when the request is answered. A context manager: nothing is read any
    more when it is left, be it for an error elsewhere. In a process that may itself be ended, nothing is read ahead.
    """

    def __init__(self, request: SolveRequest, configuration: CondaConfiguration | None = None) -> None:
        """Begin to read. `configuration` is conda's (None: the user's); `request` lacks virtual packages yet."""
        self._configuration = configuration or read_conda_configuration()
        self._process = None
        self._left = ExitStack()
        self._is_reading = False
        if not is_bounded():
            self._process = self._left.enter_context(bounded_process())
            self._process.send(call_within, usual_bounds(), read_indexes, request, self._configuration)
            self._is_reading = True

    @property
    def is_reading(self) -> bool:
        """Whether anything is being read."""
        return self._is_reading and self._process is not None and self._process.is_busy

    def then(self, answer: Callable[[SolveRequest, CondaConfiguration], T], request: SolveRequest) -> T:
        """Return the answer to the request, now that all of it is known. Raises what `bounded_call` raises."""
        if self._process is None:
            return bounded_call(answer, request, self._configuration)
        if self._is_reading:
            self._is_reading = False
            self._process.receive(log=False)  # it will be said again
        return cast("T", self._process.call(call_within, usual_bounds(), answer, request, self._configuration))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.close()


def read_indexes(request: SolveRequest, configuration: CondaConfiguration) -> None:
    """Read what the channels of a request say of the packages that it names, in this process, for what comes next."""
    import rattler

    from conda_docker.channels.rattler_engine import run
    from conda_docker.environment.solve.question import gateway_of, question_of

    with suppress(Exception):
        question = question_of(request, configuration)
        way = gateway_of(question)
        sources = [rattler.Channel(url) for url in question.channels]
        platforms = [rattler.Subdir(question.subdir), rattler.Subdir("noarch")]
        names = [spec.name for spec in question.requested]
        # Not what these depend on: that is much, and would be in memory here besides in the solver.
        run(lambda: way.query(sources, platforms, names, recursive=False, channel_relations="disabled"))
