"""ready_layers: packages arrive, layers are written and kept, each part for itself; whichever is done first is given.

    fetch ──> write, up to `workers` at once ──> keep ──> given
        └───> write while it is downloaded ───────^
                              layers of stores ──^

A package that can be read while it is downloaded is written then, on a thread of its own, which mostly waits. Should
that fail, for whatever reason, it is written as all others are, once all of it is there.

This module owns the order of events. All that it hands on are values that name files, so that nothing but their number
is bounded: by the packages of an environment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from conda_docker.layers.making.arrivals import Arrivals, complete_groups, work_of
from python_docker.parallel import Threads
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.layers.fetching import Fetch
    from conda_docker.layers.made import Group
    from conda_docker.package.conda_format import PackageFile
    from python_docker.parallel import Stop

Ready = TypeVar("Ready")

_KEPT_AT_ONCE = 4
"""How many layers are on their way to layer repositories at once."""
_WRITTEN_EARLY = 1
"""How many layers are written at once of packages that are being downloaded. These share a line, so that a second would
gain next to nothing, and cost 20 MB of memory."""

_log = logging.getLogger("conda_docker")


def ready_layers(
    found: Sequence[Ready],
    missing: Mapping[int, Group],
    fetch: Fetch,
    write: Callable[[int, Group, Sequence[PackageFile]], Ready],
    keep: Callable[[Ready], Ready],
    *,
    workers: int,
    stop: Stop,
) -> Iterator[Ready]:
    """Yield what `keep` returns for each layer that was `found`, and each that `write` makes of packages, when ready.

    An error in one part sets `stop`, which ends all others, and is raised; so does whoever sets `stop` elsewhere.
    """
    arrived = Arrivals()
    events: SimpleQueue[Future[Any]] = SimpleQueue()

    def receive() -> None:
        early: dict[int, Future[Ready]] = {}
        for position, paths in complete_groups(missing, fetch):
            if any(isinstance(path, GrowingFile) for path in paths):
                early[position] = writing_early.submit(write, position, missing[position], paths)
                early[position].add_done_callback(hand_on_early)
            elif position not in early or early[position].cancel():
                write_whole(position, paths)
            else:
                early[position].add_done_callback(partial(after_early, position, paths))

    def write_whole(position: int, paths: Sequence[PackageFile]) -> None:
        arrived.put(position, paths, work_of(missing[position]))
        writing.submit(write_next).add_done_callback(hand_on)

    def after_early(position: int, paths: Sequence[PackageFile], written: Future[Ready]) -> None:
        error = written.exception()
        if isinstance(error, Exception) and not stop.is_set():
            _log.info("a package is linked once more, from all of it: %s", error)
            write_whole(position, paths)

    def hand_on_early(written: Future[Ready]) -> None:
        if written.cancelled() or isinstance(written.exception(), Exception):
            return  # the package itself is awaited, or its error
        hand_on(written)

    def write_next() -> Ready:
        position, paths = arrived.take()
        return write(position, missing[position], paths)

    def hand_on(written: Future[Ready]) -> None:
        if written.cancelled() or written.exception() is not None:
            events.put(written)
        else:
            begin_to_keep(written.result())

    def begin_to_keep(layer: Ready) -> None:
        try:
            kept = keeping.submit(keep, layer)
        except RuntimeError as error:  # there are no more threads to be had; an error on this one, nobody hears of
            stop.set(error)
        else:
            kept.add_done_callback(events.put)

    with (
        Threads(_KEPT_AT_ONCE, thread_name_prefix="keep") as keeping,
        Threads(workers, thread_name_prefix="layer") as writing,
        Threads(_WRITTEN_EARLY, thread_name_prefix="early") as writing_early,
        Threads(1, thread_name_prefix="arrivals") as receiving,
    ):
        stop.future.add_done_callback(events.put)
        try:
            for layer in found:
                begin_to_keep(layer)
            receiving.submit(receive).add_done_callback(events.put)
            left = len(found) + len(missing)
            while left:
                layer = events.get().result()
                if layer is not None:  # which says that all packages are there
                    left -= 1
                    yield layer
        except BaseException as error:
            stop.set(None if isinstance(error, GeneratorExit) else error)
            writing.shutdown(wait=False, cancel_futures=True)
            writing_early.shutdown(wait=False, cancel_futures=True)
            raise
