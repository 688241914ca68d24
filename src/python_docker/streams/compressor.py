"""CompressingWriter: gzip and zstd by several cores, the same bytes on every machine.

What is written is cut into blocks of a fixed size, each a gzip member or zstd frame of its own (RFC 1952 section 2.2
and RFC 8878 section 3 allow any number of them), so the output does not depend on how many threads made it. gzip is
written by libdeflate and read by ISA-L: the latter compresses faster, but to other bytes on another kind of processor.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import deflate

from python_docker.interruption import check_interruption
from python_docker.streams.compression import Compression, check_level, zstd_module

if TYPE_CHECKING:
    from types import TracebackType

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Bytes of tar that make one gzip member or zstd frame. Part of the layer format: another size gives other bytes.
_BLOCK_SIZES = {Compression.GZIP: 1 << 20, Compression.ZSTD: 4 << 20}
# Bytes that may wait to be compressed: enough to keep all processors busy while who writes is not.
_WAITING = 6 << 20
_QUICK = 9
"""The strongest level at which a block takes no longer than a blink of an eye. Of others it takes seconds."""
_LOOKED_EVERY = 0.1
"""Seconds between two looks at whether the process is to end, while compressed blocks are waited for."""


def _gzip_member(block: bytes | memoryview, level: int) -> bytes:
    # libdeflate writes no time and no name: the same input gives the same bytes (RFC 1952 section 2.3).
    return bytes(deflate.gzip_compress(block, level))


def _zstd_frame(block: bytes | memoryview, level: int) -> bytes:
    zstd = zstd_module()
    parameter = zstd.CompressionParameter
    return bytes(zstd.compress(block, options={parameter.compression_level: level, parameter.checksum_flag: 1}))


class _CompressionPool(ThreadPoolExecutor):
    """Threads that compress. Who submits waits while too much is waiting already, so that memory is bounded.

    `room` is for how many blocks there is room, those in work included.
    """

    def __init__(self, threads: int, room: int) -> None:
        super().__init__(threads, thread_name_prefix="compress")
        self._room = threading.Semaphore(room)

    def has_room(self, seconds: float) -> bool:
        """Return whether there is room for a block, or will be in so many seconds. Others may take it meanwhile."""
        if not self._room.acquire(timeout=seconds):
            return False
        self._room.release()
        return True

    def submit(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        self._room.acquire()
        try:
            future = super().submit(function, *args, **kwargs)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())  # cancelled ones too
        return future


@cache
def compression_pool(compression: Compression) -> Executor:
    """Return the threads that compress in this way, as many as there are processors; shared by the whole process."""
    return _CompressionPool(_threads(), max(2 * _threads(), _waiting_blocks(compression)))


def _threads() -> int:
    return os.cpu_count() or 1


def _waiting_blocks(compression: Compression) -> int:
    return _WAITING // _BLOCK_SIZES.get(compression, _WAITING)


class CompressingWriter:
    """Takes a stream's bytes in pieces of any size and gives its compressed form to `sink`.

    `sink` is called with `bytes`, in order, in the thread that calls `write` and `close`. With an `executor`, blocks
    are compressed in its threads while the caller goes on, with some mebibytes of blocks in memory. The output
    depends on what is written, on `compression` and `level`, and on nothing else.

    >>> pieces = []
    >>> with CompressingWriter(pieces.append, Compression.GZIP) as writer:
    ...     writer.write(b"hello")
    >>> import gzip; gzip.decompress(b"".join(pieces))
    b'hello'
    """

    def __init__(
        self,
        sink: Callable[[bytes], object],
        compression: Compression,
        level: int | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._sink = sink
        self._block_size = _BLOCK_SIZES.get(compression, 1)
        self._level = check_level(compression, level)
        self._executor = executor
        self._pieces: list[bytes | memoryview] = []
        self._held = 0
        self._wrote = False
        self._pending: deque[Future[bytes]] = deque()
        self._ahead = max(_threads() + 1, _waiting_blocks(compression))
        if compression is Compression.GZIP:
            self._compress: Callable[[bytes | memoryview, int], bytes] | None = _gzip_member
        elif compression is Compression.ZSTD:
            self._compress = _zstd_frame
        elif compression is Compression.NONE:
            self._compress = None
        else:
            raise ValueError(f"layers are not written with {compression}")

    def write(self, data: bytes | memoryview) -> None:
        """Take `data`, which must not change afterwards."""
        if self._compress is None:
            self._sink(bytes(data) if isinstance(data, memoryview) else data)
            return
        if self._held + len(data) < self._block_size:
            self._pieces.append(data)
            self._held += len(data)
            return
        view = memoryview(data)
        while self._held + len(view) >= self._block_size:
            cut = self._block_size - self._held
            self._pieces.append(view[:cut])
            self._flush()
            view = view[cut:]
        if view:
            self._pieces.append(view)
            self._held = len(view)

    def _flush(self) -> None:
        assert self._compress is not None
        block = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._held = 0
        self._wrote = True
        if self._executor is None:
            self._sink(self._compress(block, self._level))
            return
        while len(self._pending) >= self._ahead or (self._pending and self._pending[0].done()):
            self._hand_over()
        self._submit(block)

    def _submit(self, block: bytes | memoryview) -> None:
        assert self._compress is not None
        assert self._executor is not None
        if isinstance(self._executor, _CompressionPool):
            while not self._executor.has_room(_LOOKED_EVERY):
                check_interruption()
        check_interruption()
        self._pending.append(self._executor.submit(self._compress, block, self._level))

    def _hand_over(self) -> None:
        """Wait for the first of the blocks that are being compressed. No thread can end what compresses it."""
        first = self._pending.popleft()
        while True:
            try:
                compressed = first.result(_LOOKED_EVERY)
            except TimeoutError:
                check_interruption()
            else:
                break
        self._sink(compressed)

    def close(self) -> None:
        """Compress and hand over what is left. An empty stream becomes one empty member or frame."""
        if self._compress is not None and (self._pieces or not self._wrote):
            if not self._pieces:
                self._pieces.append(b"")
            if self._pending or self._executor is None or self._level > _QUICK:
                self._flush()
            else:
                # A small layer: not worth another thread.
                self._wrote = True
                self._sink(self._compress(b"".join(self._pieces), self._level))
                self._pieces = []
        while self._pending:
            self._hand_over()

    def abort(self) -> None:
        """Forget what is not written yet, after an error."""
        while self._pending:
            self._pending.popleft().cancel()
        self._pieces = []
        self._held = 0

    def __enter__(self) -> CompressingWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abort()
