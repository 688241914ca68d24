"""Renaming files also where nobody may have them open at that moment (Windows)."""

from __future__ import annotations

import os
import time
from pathlib import Path

MUST_BE_CLOSED = os.name == "nt"
"""Whether an open file can be neither renamed nor replaced nor removed here."""

_PATIENCE = 2.0  # seconds
_POLL = 0.01


def rename_over(path: Path, target: Path) -> None:
    """Rename a file to `target`, replacing what was there. Raises `OSError`.

    On Windows others may have either of them open for a moment: a thread that reads what is replaced, a scanner for
    viruses that looks at what is new. So it tries again for two seconds.
    """
    if not MUST_BE_CLOSED:
        path.replace(target)
        return
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            path.replace(target)
            return
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL)
