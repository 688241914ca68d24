"""Transfer: blobs on their way to one destination, in any order, as early as they are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self

from python_docker.image.blob import Blob
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress
from python_docker.spec.media_types import layer_compression
from python_docker.streams.buffers import keep_buffers
from python_docker.transports.medium import MovesLittle

if TYPE_CHECKING:
    from types import TracebackType

    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.transports.medium import Destination


class Transfer:
    """Blobs on their way to a destination: each digest once, and as many at once as the destination takes.

    `begin` lets a blob leave before it is known what else there will be; `put` has all blobs of an image there. What
    waits is descriptors alone: content stays where it is until it is sent. After an error no more are sent, and `stop`
    is set for whatever else works for the same image.

    A context manager, which waits for what is under way. Committing the destination, or aborting it, is for the caller.
    """

    def __init__(self, destination: Destination, progress: Progress = SILENT, stop: Stop | None = None) -> None:
        self.destination = destination
        self.progress = progress
        self.stop = stop or Stop()
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[Digest, Future[None]] = {}

    def begin(self, blob: Blob, label: str = "") -> None:
        """Start sending a blob, shown as `label`, where the destination takes blobs in any order and of its form.

        Returns at once. Where it does not, nothing happens: `put` takes the blob to it in its turn.
        """
        if self.destination.parallel > 1 and keeps(self.destination, blob.descriptor):
            self._submit(blob, label)

    def put(self, blobs: Sequence[Blob]) -> None:
        """Have all of `blobs` at the destination, those that left before included.

        Raises the first error of any.
        """
        unique = list({blob.descriptor.digest: blob for blob in blobs}.values())
        if self.destination.parallel <= 1 or (len(unique) == 1 and not self._begun):
            for blob in unique:
                self._put(blob)
            return
        keep_buffers()
        # The largest first, so that none of them is left to go alone at the end.
        for blob in sorted(unique, key=lambda blob: blob.descriptor.size, reverse=True):
            self._submit(blob)
        done, _ = wait(self._begun.values(), return_when=FIRST_EXCEPTION)
        errors = [error for future in done if (error := future.exception()) is not None]
        if errors:
            self.close()
            raise next((error for error in errors if not isinstance(error, CancelledError)), errors[0])

    def close(self) -> None:
        """Begin no more, and wait for what is under way: which ends early where `stop` is set."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _submit(self, blob: Blob, label: str = "") -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.destination.parallel, thread_name_prefix="transfer")
        if blob.descriptor.digest not in self._begun:
            self._begun[blob.descriptor.digest] = self._pool.submit(self._put, blob, label)

    def _put(self, blob: Blob, label: str = "") -> None:
        self.stop.check()
        try:
            task = self.progress.start(label or blob.descriptor.digest.short, blob.descriptor.size)
            task.finish(self.destination.put_blob(blob, self.stop.guard(task)))
        except BaseException as error:
            self.stop.set(error)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.stop.set(error)
        self.close()


def put_blobs(blobs: Sequence[Blob], destination: Destination, progress: Progress = SILENT) -> None:
    """Put blobs into a destination, as many at once as the destination takes, each digest once."""
    with Transfer(destination, progress) as transfer:
        transfer.put(blobs)


def take_unread(destinations: Iterable[Destination | None], blob: Blob) -> bool:
    """Have destinations take a blob without its bytes: it is there, or mounted. Return whether none of them needs more.

    They are asked in their order, up to the first that needs its bytes; None is a place that always does. Raises what
    `MovesLittle.take` raises.
    """
    return all(isinstance(destination, MovesLittle) and destination.take(blob) for destination in destinations)


def keeps(destination: Destination | type[Destination], descriptor: Descriptor) -> bool:
    """Return whether a destination takes a blob as it is: it is not a layer, or of a compression that is kept there."""
    compression = layer_compression(descriptor.media_type)
    return compression is None or compression in destination.compressions
