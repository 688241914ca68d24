"""alone: what several builds would do at once with one cache is done by one of them, and the others wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from conda_docker.cache.folder import BLOBS
from python_docker.errors import Error
from python_docker.files.lock import locked

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder

_PATIENCE = 600.0
"""Seconds to wait for somebody else who does the same, before it is done here too."""
_LOOK = 0.5
"""Seconds between two questions whether all is given up meanwhile."""


@contextmanager
def alone(cache: CacheFolder, kind: str, name: str, check: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Keep all others who use the cache, threads and processes, out of the block of that `kind` and `name`.

    `name` is hexadecimal digits. A process that is killed lets the others in at once. While this waits, `check` is
    called, which may raise what ends that. Raises `OSError` where the cache cannot be written.
    """
    folder = cache.root / BLOBS
    folder.mkdir(parents=True, exist_ok=True)
    # By a name under which it is removed with the leftovers of a process that was killed.
    lock = folder / f".{kind}.partial-{name[:32]}"
    deadline = time.monotonic() + _PATIENCE
    with ExitStack() as held:
        while time.monotonic() < deadline:
            try:
                held.enter_context(locked(lock, min(_LOOK, _PATIENCE)))
                break
            except Error:
                check()
        yield
