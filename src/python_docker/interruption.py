"""Interruption: that this process is to end, as threads learn it that no signal reaches.

Whoever receives signals sets it; what may take long, and has nobody to ask whether to go on, looks at it.
"""

from __future__ import annotations

import threading
from typing import Final

interrupted = threading.Event()
"""Set when this process is to end; nothing unsets it."""
LOOKING: Final = 0.2
"""Seconds after which a wait looks at it."""


def check_interruption() -> None:
    """Raise `KeyboardInterrupt` when this process is to end.

    >>> check_interruption()
    """
    if interrupted.is_set():
        raise KeyboardInterrupt
