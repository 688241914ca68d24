"""ready_layers: packages arrive, layers are written and kept, each part for itself; whichever is done first is given.

    fetch ──> write, up to `workers` at once ──> keep ──> given
                              layers of stores ──^

This module owns the order of events. All that it hands on are values that name files, so that nothing but their number
is bounded: by the packages of an environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from conda_docker.layers.arrivals import Arrivals, complete_groups, work_of

if TYPE_CHECKING:
    from conda_docker.layers.fetching import Fetch
    from conda_docker.layers.made import Group
    from python_docker.parallel import Stop

Ready = TypeVar("Ready")

_KEPT_AT_ONCE = 4
"""How many layers are on their way to layer repositories at once."""


def ready_layers(
    found: Sequence[Ready],
    missing: Mapping[int, Group],
    fetch: Fetch,
    write: Callable[[int, Group, Sequence[Path]], Ready],
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
        for position, paths in complete_groups(missing, fetch):
            arrived.put(position, paths, work_of(missing[position]))
            writing.submit(write_next).add_done_callback(hand_on)

    def write_next() -> Ready:
        position, paths = arrived.take()
        return write(position, missing[position], paths)

    def hand_on(written: Future[Ready]) -> None:
        if written.cancelled() or written.exception() is not None:
            events.put(written)
        else:
            begin_to_keep(written.result())

    def begin_to_keep(layer: Ready) -> None:
        keeping.submit(keep, layer).add_done_callback(events.put)

    with (
        ThreadPoolExecutor(_KEPT_AT_ONCE, thread_name_prefix="keep") as keeping,
        ThreadPoolExecutor(workers, thread_name_prefix="layer") as writing,
        ThreadPoolExecutor(1, thread_name_prefix="arrivals") as receiving,
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
            raise
