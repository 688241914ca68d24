"""processor_time: what processor time processes that still run have taken."""

from __future__ import annotations

import os
from pathlib import Path


def processor_time(pid: int) -> float:
    """Return the processor seconds of a process and of the children that it has waited for (proc(5), `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
