"""Delivery: images on their way to several places at once, which take layers while others are still being made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from python_docker.copying.transfer import Transfer, take_unread
from python_docker.errors import ContentMismatch, Error
from python_docker.image.blob import Blob
from python_docker.parallel import Stop, in_parallel
from python_docker.progress import SILENT, Progress
from python_docker.transports import destination_class, open_destination
from python_docker.transports.medium import HoldsNames, Prepares, SharesBlobs

if TYPE_CHECKING:
    from types import TracebackType

    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location
    from python_docker.transports.medium import Destination

T = TypeVar("T")


class Delivery:
    """One image, or an index of images, for some places; nothing is seen at any of them before all has arrived.

    `begin` sends a layer to the places that take blobs in any order: registries, layouts and folders. `finish` sends
    the rest, in the order of the image, to all places side by side, and then makes it visible. An archive or an engine
    is written to in `finish` alone: the bytes of an archive depend on its order, and another package may still win a
    path from a layer that was made.

    A context manager: left before all is finished, it takes back what was begun. `stop` is set by the first error in
    any part; whoever makes layers should listen to it, and end with `CancelledError`, in whose place that first error
    is raised.

        with Delivery([Location.parse("oci:build:demo")]) as delivery:
            delivery.begin(layer.blob)
            [manifest] = delivery.finish(lambda transfer: send_image(image, transfer))
    """

    def __init__(
        self,
        locations: Sequence[Location],
        *,
        reference: ImageReference | None = None,
        further_names: Sequence[ImageReference] = (),
        registry: Callable[[Location], RegistryOptions | None] = lambda _: None,
        near: Callable[[Location], Destination | None] = lambda _: None,
        progress: Progress = SILENT,
    ) -> None:
        """Open the places that take blobs in any order. Raises what opening them raises.

        `reference` is the name that the image gets where a location gives none, `further_names` are others
        that it gets where there can be several. `registry` says how to talk to one.
        `near` gives a destination that is open already, of the same registry as a place, whose connections serve both.
        """
        self.stop = Stop()
        self._finished = False
        self._reference = reference
        self._further_names = tuple(further_names)
        self._registry = registry
        self._near = near
        self._progress = progress
        self._transfers: list[Transfer | None] = [None] * len(locations)
        self._locations = list(locations)
        with ExitStack() as opening:
            opening.push(self)
            for number, location in enumerate(locations):
                if destination_class(location).parallel > 1:
                    self._open(number)
            opening.pop_all()

    def prepare(self) -> None:
        """Have places make ready, on threads of their own: a registry is connected to, and asked for a token.

        Returns at once; what fails there ends the delivery, as it would when the first layer leaves.
        """
        for transfer in self._transfers:
            if transfer is not None and isinstance(transfer.destination, Prepares):
                # Nobody waits for it: not for a registry that says nothing, in particular.
                threading.Thread(target=self._prepare, args=[transfer.destination], daemon=True).start()

    def _prepare(self, destination: Prepares) -> None:
        try:
            destination.prepare()
        except (Error, KeyboardInterrupt) as error:
            self.stop.set(error)

    @property
    def is_remote(self) -> bool:
        """Whether layers go over a network."""
        return any(location.transport == "docker" for location in self._locations)

    @property
    def verb(self) -> str:
        """What happens to a blob that leaves, as progress says it: it is pushed, or written."""
        return "push" if self.is_remote else "write"

    def take(self, blob: Blob) -> bool:
        """Have the places take a blob unread: they have it already, or mount it. Return whether none needs its bytes.

        Of several repositories of one registry the first is asked; the others mount it later. Raises `ContentMismatch`
        where it is there in another size. What else goes wrong ends the delivery, and is raised as well.
        """
        self.stop.check()
        try:
            # An archive or an engine has no transfer yet.
            first = (self._transfers[group[0]] for group in self._groups())
            return take_unread((None if each is None else each.destination for each in first), blob)
        except ContentMismatch:
            raise
        except Error as error:
            self.stop.set(error)
            raise

    def begin(self, blob: Blob, label: str = "") -> None:
        """Start sending a blob to the places that take it now, shown as `label`.

        Of several repositories of one registry the first has it; the others mount it later. Returns at once. Raises
        `CancelledError` when a part of the delivery has failed.
        """
        self.stop.check()
        for group in self._groups():
            first = self._transfers[group[0]]
            if first is not None:
                first.begin(blob, label)

    def finish(self, write: Callable[[Transfer], T]) -> list[T]:
        """Have `write` put what is still missing, and the manifests, into each place, and make all visible.

        Returns what `write` returned, in the order of the places. Raises its first error.
        """
        results: dict[int, T] = {}

        def write_group(numbers: Sequence[int]) -> None:
            written: list[Destination] = []
            for number in numbers:
                transfer = self._open(number)
                if isinstance(transfer.destination, SharesBlobs):
                    for other in written:
                        transfer.destination.share(other)
                results[number] = write(transfer)
                written.append(transfer.destination)

        groups = self._groups()
        in_parallel([partial(write_group, group) for group in groups], len(groups), self.stop)
        for transfer in self._transfers:
            if transfer is not None:
                transfer.close()
                transfer.destination.commit()
        self._finished = True
        return [results[number] for number in range(len(self._locations))]

    def _groups(self) -> list[list[int]]:
        """Return the numbers of the places, those together that would be sent the same blobs twice."""
        groups: dict[object, list[int]] = {}
        for number, location in enumerate(self._locations):
            reference = location.reference() if location.transport == "docker" else None
            key = number if reference is None else reference.domain
            groups.setdefault(key, []).append(number)
        return list(groups.values())

    def _open(self, number: int) -> Transfer:
        transfer = self._transfers[number]
        if transfer is None:
            location = self._locations[number]
            options = self._registry(location)
            opened = open_destination(location, reference=self._reference, registry=options)
            if isinstance(opened, HoldsNames):
                opened.further_names = self._further_names
            near = self._near(location)
            if near is not None and isinstance(opened, SharesBlobs):
                opened.share(near)
            transfer = self._transfers[number] = Transfer(opened, self._progress, self.stop)
        return transfer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        self.stop.set(error)
        for transfer in self._transfers:
            if transfer is not None:
                transfer.close()
                transfer.destination.abort()
        if isinstance(error, CancelledError) and (cause := self.stop.cause) is not None:
            raise cause from None
