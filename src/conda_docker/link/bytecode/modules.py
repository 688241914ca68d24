"""The modules of one package on their way through the compiler, and the `.pyc` entries that come of them."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future

from conda_docker.link.bytecode.compiler import Compiler, DoesNotCompile, Module
from conda_docker.link.prefix import Prefix
from conda_docker.link.record import InstalledPath
from python_docker.tar import TarEntry

MAX_SOURCE = 8 << 20
"""Bytes of the largest module that is compiled; larger ones are tables that take gigabytes to compile."""

# What is compiled together, and how much is on its way at once. Nothing of it depends on time or on the machine, for it
# decides on the order of a layer's entries: it is part of the layer format.
_BATCH_MODULES = 128
_BATCH_BYTES = 1 << 20
_MAX_BATCHES = 8


def pyc_path(source: str, tag: str) -> str:
    """Return where the `.pyc` file of the module at `source` goes (PEP 3147).

    >>> pyc_path("lib/python3.12/site-packages/six.py", "cpython-312")
    'lib/python3.12/site-packages/__pycache__/six.cpython-312.pyc'
    """
    folder, name = posixpath.split(source)
    return posixpath.join(folder, "__pycache__", f"{name.removesuffix('.py')}.{tag}.pyc")


class CompiledModules:
    """Takes modules in and gives their `.pyc` files in the same order, some modules later.

    A `.pyc` file that the package `shipped` is not made again, nor one that `keeps` refuses. `rows` are for the record;
    `failed` maps the places of modules that have no `.pyc` file to the reason.
    """

    def __init__(self, compiler: Compiler, prefix: Prefix, mtime: int, keeps: Callable[[str], bool]) -> None:
        self._compiler = compiler
        self._prefix = prefix
        self._mtime = mtime
        self._keeps = keeps
        self._batch: list[tuple[str, bytes]] = []
        self._batch_bytes = 0
        self._pending: deque[tuple[list[str], Future[list[bytes | DoesNotCompile]]]] = deque()
        self.shipped: Collection[str] = ()
        self.rows: list[InstalledPath] = []
        self.failed: dict[str, str] = {}

    def add(self, place: str, source: bytes) -> Iterator[tuple[TarEntry, bytes]]:
        """Add the module at `place`, relative to the prefix; give what is ready by now. Raises `CompilerFailed`."""
        compiled = pyc_path(place, self._compiler.tag)
        if compiled in self.shipped or not self._keeps(compiled):
            return
        if len(source) > MAX_SOURCE:
            self.failed[place] = f"it has {len(source)} bytes"
            return
        self._batch.append((place, source))
        self._batch_bytes += len(source)
        if len(self._batch) >= _BATCH_MODULES or self._batch_bytes >= _BATCH_BYTES:
            self._submit()
            if len(self._pending) >= _MAX_BATCHES:
                yield from self._next()

    def rest(self) -> Iterator[tuple[TarEntry, bytes]]:
        """Give what is left. Raises `CompilerFailed`."""
        if self._batch:
            self._submit()
        while self._pending:
            yield from self._next()

    def _submit(self) -> None:
        modules = [Module(f"{self._prefix.path}/{place}", source) for place, source in self._batch]
        self._pending.append(([place for place, _ in self._batch], self._compiler.compile(modules)))
        self._batch = []
        self._batch_bytes = 0

    def _next(self) -> Iterator[tuple[TarEntry, bytes]]:
        sources, future = self._pending.popleft()
        for source, content in zip(sources, future.result(), strict=True):
            if isinstance(content, DoesNotCompile):
                self.failed[source] = content.reason
                continue
            place = pyc_path(source, self._compiler.tag)
            self.rows.append(InstalledPath(place, "pyc_file", size=len(content)))
            yield TarEntry(f"{self._prefix.root}/{place}", size=len(content), mtime=self._mtime), content
