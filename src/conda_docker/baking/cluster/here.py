"""Here: what this machine does in a bake on a cluster: layers of its own files, and images that need it.

Of an image with files of this machine, bills of materials, provenance or signatures, workers make the layers of
packages and send them to its repository. This machine has what it must know of them from the layer repository, adds
what only it has, writes the manifest, and attaches the rest. It reads no bytes of these layers, and keys stay on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.baking.cluster.layer_done import LayerDone
from conda_docker.baking.cluster.tasks import of_this_machine
from conda_docker.baking.failure import Failure
from conda_docker.baking.layers.making import Compilers, Workshop, make_works
from conda_docker.baking.layers.works import machine_options, plan_of, works_of
from conda_docker.cache.pushed import PushedBlobs
from conda_docker.errors import InterpreterNotFound
from conda_docker.layers.member import named
from conda_docker.layers.stores.layer_stores import LayerStores
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.baking.planned import Planned
    from conda_docker.baking.result import TargetResult
    from conda_docker.baking.running import Bake
    from conda_docker.baking.targets.target import Target
    from conda_docker.build_options import BuildOptions
    from conda_docker.resolution.resolve import Resolved


def needs_this_machine(target: Target) -> bool:
    """Return whether an image is finished here: workers have neither the user's files nor the user's keys."""
    request = target.request
    of_user = request.options.add or request.projects or request.name is not None or request.prefix is not None
    return target.finishing is not None or bool(of_user)


def is_local(work: LayerWork) -> bool:
    """Return whether a layer is made here: of a wheel of this machine, such as a project's."""
    return any(map(of_this_machine, work.members))


class Here:
    """The work of this machine in one bake. A context manager: left early, it begins no more."""

    def __init__(self, running: Bake, tell: Callable[[TargetResult], object]) -> None:
        self._running = running
        self._tell = tell
        self._pool = ThreadPoolExecutor(running.limits.jobs, thread_name_prefix="here")
        self._lock = threading.Lock()
        self._begun: dict[str, Future[LayerDone]] = {}
        self._finishing: dict[str, Future[None]] = {}

    def make(self, works: Sequence[LayerWork], options: BuildOptions) -> None:
        """Begin to make layers of this machine's files, each once, and to keep them in the layer repository."""
        for work in works:
            if work.key not in self._begun:
                self._begun[work.key] = self._pool.submit(self._made, work, options)

    def finish(self, each: Planned) -> None:
        """Begin to put an image together whose layers of workers have arrived in its repository."""
        with self._lock:
            if each.target.name not in self._finishing:
                self._finishing[each.target.name] = self._pool.submit(self._finished, each)

    def wait(self) -> None:
        """Wait until all that was begun has ended. Raises what was not expected of it."""
        wait(self._begun.values())
        for finished in self._finishing.values():
            finished.result()

    @property
    def layers(self) -> list[LayerDone]:
        """The layers that were made here."""
        return [future.result() for future in self._begun.values() if future.done()]

    def _made(self, work: LayerWork, options: BuildOptions) -> LayerDone:
        running = self._running
        name = named(work.members)
        try:
            with Compilers() as compilers:
                shop = Workshop.open(
                    machine_options(options), compilers, workers=1, stop=running.stop, progress=running.progress
                )
                with shop.stores:
                    [made] = make_works([work], shop)
        except Error as error:
            return LayerDone(work.key, name, failure=Failure.of(error))
        if made.layer is None:
            lasting = made.error is not None and not isinstance(made.error, InterpreterNotFound)
            return LayerDone(work.key, name, failure=Failure.of(made.error) if made.error and lasting else None)
        return LayerDone(work.key, name, str(made.layer.digest), made.layer.size, made.known, made.seconds)

    def _finished(self, each: Planned) -> None:
        running, target = self._running, each.target
        try:
            for work in each.works:
                made = self._begun[work.key].result() if work.key in self._begun else None
                if made is not None and made.failure is not None:
                    running.end(target, made.failure.error())
                    return
            running.stop.check()
            options = target.request.options
            # What workers have kept is known from there.
            options = replace(options, cache_from=(*options.cache_to, *options.cache_from))
            with LayerStores.of(options, progress=running.progress, stop=running.stop) as stores:
                for resolved in each.resolved:
                    _expect(resolved, options, stores)
                running.assembly.places = running.assembly.places or PushedBlobs(stores.cache)
                self._tell(running.assembly.assemble(target, each.resolved, stores, inputs=each.inputs))
        except (Error, OSError) as error:
            running.end(target, error if isinstance(error, Error) else Failure.of(error).error())
        except CancelledError:
            pass  # who stops all says why

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def _expect(resolved: Resolved, options: BuildOptions, stores: LayerStores) -> None:
    """Look up what workers have kept of an environment as a whole, and found out about paths of several packages."""
    keys = [work.key for work in works_of(plan_of(resolved, options), options) if not is_local(work)]
    for source in stores.sources:
        source.expect(keys)
