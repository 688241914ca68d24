"""Limits: how much of this machine a bake may take."""

from __future__ import annotations

from dataclasses import dataclass

from python_docker.argument_types import check_number

OWN_MEMORY = 160 << 20
"""Bytes that a bake takes apart from the layers that it writes: all environments, buffers, libraries."""
LAYER_MEMORY = 48 << 20
"""Bytes that writing one layer takes at most, whatever its size, with the process that compiles its modules."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many things are done at once, and how many bytes of memory and of the cache's disk that may take.

    None sets no limit. Raises `ValueError` for less than one of anything.

    >>> Limits(8).layers_at_once, Limits(8, memory=OWN_MEMORY + 3 * LAYER_MEMORY).layers_at_once
    (8, 3)
    """

    jobs: int
    memory: int | None = None
    disk: int | None = None

    def __post_init__(self) -> None:
        for name in ("jobs", "memory", "disk"):
            number = getattr(self, name)
            if number is not None or name == "jobs":
                check_number(name, number, least=1)

    @property
    def layers_at_once(self) -> int:
        """How many layers are written at once: one at least."""
        if self.memory is None:
            return self.jobs
        return max(1, min(self.jobs, (self.memory - OWN_MEMORY) // LAYER_MEMORY))
