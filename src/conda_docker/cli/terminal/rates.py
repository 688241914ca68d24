"""Rate: how fast something goes now, rather than since it began."""

from __future__ import annotations

import math

_SETTLING = 3.0
"""Seconds after which two thirds of a rate are what was measured since."""


class Rate:
    """A rate in bytes a second, in which what was measured last counts most; begun at `now` seconds.

    >>> rate = Rate(0.0)
    >>> [round(rate.at(size, now)) for now, size in ((1.0, 100), (2.0, 200), (60.0, 200))]
    [100, 100, 0]
    """

    def __init__(self, now: float) -> None:
        self._begun = self._now = now
        self._size = 0
        self._rate = 0.0

    def at(self, size: int, now: float) -> float:
        """Return the rate when `size` bytes are done at `now`; 0 for what begins again."""
        seconds = now - self._now
        if seconds <= 0:
            return self._rate
        measured = max(0.0, (size - self._size) / seconds)
        # At first the mean of all there is.
        weight = max(1 - math.exp(-seconds / _SETTLING), seconds / (now - self._begun) if now > self._begun else 1.0)
        weight = min(1.0, weight)
        self._rate += (measured - self._rate) * weight
        self._now, self._size = now, size
        return self._rate
