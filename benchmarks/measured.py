"""Runs one command and tells what it took: `python -IS measured.py RESULT COMMAND...`, a JSON object into RESULT.

A process of its own, and a small one: what the kernel counts as the peak memory of a command includes that of the
process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import time


def written() -> int:
    """Bytes that this process and all that it has waited for sent towards the disk (proc(5), `write_bytes`)."""
    try:
        with open("/proc/self/io") as file:  # noqa: PTH123 -- pathlib would be half of this process's memory
            return next(int(line.split()[1]) for line in file if line.startswith("write_bytes"))
    except (OSError, StopIteration):
        return 0


def main(result: str, command: list[str]) -> int:
    """Run `command`, write what it took, and return its exit code."""
    before = written()
    started = time.perf_counter()
    # posix_spawn: no copy of this process's memory is made, or counted.
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    with open(result, "w") as file:  # noqa: PTH123
        json.dump(
            {
                "wall": seconds,
                "user": usage.ru_utime,
                "system": usage.ru_stime,
                # Kilobytes on Linux, bytes on macOS (getrusage(2)).
                "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
                "written": written() - before,
            },
            file,
        )
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    code = main(sys.argv[1], sys.argv[2:])
    sys.exit(128 - code if code < 0 else code)
