"""How much memory and disk a process may take for what it unpacks, as the system enforces it.

`RLIMIT_DATA` counts what a process can write to and shares with nobody (Linux 4.7 and later): not files that are
mapped, nor address space that is only reserved, as `RLIMIT_AS` does. Elsewhere nothing enforces it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from python_docker.programs import lowered

_MOST = 4 << 30
"""Bytes. To choose among all packages of conda-forge takes less than a quarter of it."""
_LEAST = 1 << 30
_LARGEST_FILE = 2 << 30
"""Bytes. The largest index of conda-forge has less than a quarter of it."""

NO_MEMORY = "memory allocation of"
"""What a program in Rust says before it ends for want of memory."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes of memory that a process may have, and of any file that it writes."""

    memory: int
    file: int = _LARGEST_FILE


def usual_bounds() -> Bounds:
    """Return the bounds of calls on this machine: half of its memory, but 1 GiB at least and 4 GiB at most.

    >>> 1 << 30 <= usual_bounds().memory <= 4 << 30
    True
    """
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no such call, others may not have the names
        return Bounds(_MOST)
    return Bounds(min(_MOST, max(_LEAST, machine // 2)))


@contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Have this process keep within bounds in the block.

    What asks for more memory ends the process, unless it is Python; writing more fails. Where a lower limit holds
    already, that stays. What is started after the block has the limits of before. For processes that do one thing after
    the other: the limits are those of all threads.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    before = {kind: resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE)}
    for (kind, limits), limit in zip(before.items(), (bounds.memory, bounds.file), strict=True):
        resource.setrlimit(kind, lowered(limits, limit))
    try:
        yield
    finally:
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)


def is_limited_by_user() -> bool:
    """Return whether a limit holds for this process's address space, such as that of `ulimit -v`."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
