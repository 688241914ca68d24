"""The modules of one package on their way through the compiler, and the `.pyc` entries that come of them."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future

from conda_docker.link.bytecode import Compiler, DoesNotCompile
from conda_docker.link.prefix import Prefix
from conda_docker.link.record import InstalledPath
from python_docker.tar import TarEntry

MAX_SOURCE = 8 << 20
"""Bytes of the largest module that is compiled; larger ones are tables that take gigabytes to compile."""

_MAX_BYTES = 2 << 20  # of sources that are on their way at once
_MAX_MODULES = 128


def pyc_path(source: str, tag: str) -> str:
    """Where the `.pyc` file of the module at `source` goes (PEP 3147).

    >>> pyc_path("lib/python3.12/site-packages/six.py", "cpython-312")
    'lib/python3.12/site-packages/__pycache__/six.cpython-312.pyc'
    """
    folder, name = posixpath.split(source)
    return posixpath.join(folder, "__pycache__", f"{name.removesuffix('.py')}.{tag}.pyc")


class CompiledModules:
    """Takes modules in and gives their `.pyc` files in the same order, some modules later.

    How many later depends on sizes alone, so that the order of a layer's entries is the same on every machine. A
    `.pyc` file that the package `shipped` is not made again, nor one that `keeps` refuses. `rows` are for the record;
    `failed` maps the places of modules that have no `.pyc` file to the reason.
    """

    def __init__(self, compiler: Compiler, prefix: Prefix, mtime: int, keeps: Callable[[str], bool]) -> None:
        self._compiler = compiler
        self._prefix = prefix
        self._mtime = mtime
        self._keeps = keeps
        self.shipped: Collection[str] = ()
        self._pending: deque[tuple[str, int, Future[bytes]]] = deque()
        self._bytes = 0
        self.rows: list[InstalledPath] = []
        self.failed: dict[str, str] = {}

    def add(self, place: str, source: bytes) -> Iterator[tuple[TarEntry, bytes]]:
        """Take in the module at `place`, relative to the prefix; give what is ready by now. Raises `CompilerFailed`."""
        compiled = pyc_path(place, self._compiler.tag)
        if compiled in self.shipped or not self._keeps(compiled):
            return
        if len(source) > MAX_SOURCE:
            self.failed[place] = f"it has {len(source)} bytes"
            return
        self._pending.append((place, len(source), self._compiler.compile(source, f"{self._prefix.path}/{place}")))
        self._bytes += len(source)
        while self._bytes > _MAX_BYTES or len(self._pending) > _MAX_MODULES:
            yield from self._next()

    def rest(self) -> Iterator[tuple[TarEntry, bytes]]:
        """Give what is left. Raises `CompilerFailed`."""
        while self._pending:
            yield from self._next()

    def _next(self) -> Iterator[tuple[TarEntry, bytes]]:
        source, size, future = self._pending.popleft()
        self._bytes -= size
        try:
            content = future.result()
        except DoesNotCompile as error:
            self.failed[source] = str(error)
            return
        place = pyc_path(source, self._compiler.tag)
        self.rows.append(InstalledPath(place, "pyc_file", size=len(content)))
        yield TarEntry(f"{self._prefix.root}/{place}", size=len(content), mtime=self._mtime), content
