"""Carriers: layers on their way to registries as soon as they are made, each once to each registry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from python_docker.copying.transfer import take_unread
from python_docker.errors import ContentMismatch, Error
from python_docker.progress import SILENT, Progress
from python_docker.transports import open_destination

if TYPE_CHECKING:
    from conda_docker.baking.targets.target import Target
    from python_docker.image.blob import Blob
    from python_docker.parallel import Stop
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.digest import Digest
    from python_docker.transports import Location
    from python_docker.transports.medium import Destination


class Carriers:
    """The repositories that layers are sent to first, one of each registry: the others mount them from there.

    What goes wrong here is not an error of any image: its own delivery sends what is missing, and says what it meets. A
    context manager, which waits for what is under way.
    """

    def __init__(
        self, registry: Callable[[Target, Location], RegistryOptions | None], stop: Stop, progress: Progress = SILENT
    ) -> None:
        self._registry = registry
        self._stop = stop
        self._progress = progress
        self._lock = threading.Lock()
        self._carriers: dict[str, tuple[Destination, ThreadPoolExecutor] | None] = {}
        self._begun: dict[tuple[str, Digest], Future[None]] = {}

    def begin(self, target: Target, blobs: Iterable[Blob], label: str) -> None:
        """Let blobs leave for the registries that a target goes to, unless they have left. Returns at once."""
        blobs = list(blobs)
        for place in target.outputs:
            if place.transport != "docker":
                continue
            with self._lock:
                carrier = self._carrier(target, place)
                if carrier is None:
                    continue
                domain, destination, pool = carrier
                for blob in blobs:
                    key = domain, blob.descriptor.digest
                    if key not in self._begun and not self._stop.is_set():
                        self._begun[key] = pool.submit(self._put, destination, blob, label)

    def take(self, target: Target, blob: Blob) -> bool:
        """Have the registries that a target goes to take a blob unread; return whether none of its places needs it.

        Raises `ContentMismatch` where it is there in another size.
        """
        try:
            return take_unread((self.destination(target, place) for place in target.outputs), blob)
        except ContentMismatch:
            raise
        except Error:
            return False

    def destination(self, target: Target, place: Location) -> Destination | None:
        """Return the repository that blobs are sent to first of the registry that a place is in."""
        if place.transport != "docker":
            return None
        with self._lock:
            carrier = self._carrier(target, place)
        return None if carrier is None else carrier[1]

    def wait(self, target: Target, digests: Iterable[Digest]) -> None:
        """Wait until those blobs that have left have arrived, or will not arrive."""
        domains = {self._domain(place) for place in target.outputs if place.transport == "docker"}
        with self._lock:
            futures = [
                self._begun[domain, digest]
                for domain in domains
                for digest in digests
                if (domain, digest) in self._begun
            ]
        if futures:
            wait(futures)

    def settle(self) -> None:
        """Wait until all that has left has arrived, or will not arrive."""
        with self._lock:
            futures = list(self._begun.values())
        if futures:
            wait(futures)

    def close(self) -> None:
        """Begin no more, and wait for what is under way."""
        with self._lock:
            carriers = [carrier for carrier in self._carriers.values() if carrier is not None]
        for destination, pool in carriers:
            pool.shutdown(cancel_futures=True)
            destination.abort()  # which has no manifest, and leaves the blobs

    def _carrier(self, target: Target, place: Location) -> tuple[str, Destination, ThreadPoolExecutor] | None:
        domain = self._domain(place)
        if domain not in self._carriers:
            try:
                destination = open_destination(
                    place, reference=target.reference, registry=self._registry(target, place)
                )
                pool = ThreadPoolExecutor(destination.parallel, thread_name_prefix="carry")
                self._carriers[domain] = destination, pool
            except Error:
                self._carriers[domain] = None
        carrier = self._carriers[domain]
        return None if carrier is None else (domain, *carrier)

    def _put(self, destination: Destination, blob: Blob, label: str) -> None:
        self._stop.check()
        task = self._progress.start(label, blob.descriptor.size)
        try:
            task.finish(destination.put_blob(blob, self._stop.guard(task)))
        except Error:
            task.finish("failed")

    @staticmethod
    def _domain(place: Location) -> str:
        reference = place.reference()
        return "" if reference is None else reference.domain

    def __enter__(self) -> Carriers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
