"""A program on a real pseudo-terminal, and what a person sees on its screen while the program runs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte


@dataclass(slots=True)
class Session:
    """What was seen: `screens` after each write of the program, `lines` at the end with all that scrolled away."""

    code: int = 0
    screens: list[list[str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    raw: bytes = b""
    cursor_hidden: bool = False

    @property
    def text(self) -> str:
        """The lines at the end."""
        return "\n".join(self.lines)


def run_on_terminal(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    columns: int = 80,
    rows: int = 24,
    interrupt_when: Callable[[list[str]], bool] | None = None,
    typed: bytes = b"\x03",
    timeout: float = 120,
) -> Session:
    """Run a program on a terminal of this size and return what was seen.

    `interrupt_when` is asked about each screen; when it first says yes, Ctrl-C is `typed`, or something else.
    """
    screen = pyte.HistoryScreen(columns, rows, history=10_000)
    stream = pyte.ByteStream(screen)
    seen = Session()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execve(command[0], [str(word) for word in command], {"TERM": "xterm-256color", **env})
    deadline = time.monotonic() + timeout
    while True:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)
            raise TimeoutError(f"{command} still runs; on the screen: {screen.display}")
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that the other side of a terminal is closed
            break
        if not data:
            break
        seen.raw += data
        stream.feed(data)
        shown = [line.rstrip() for line in screen.display]
        seen.screens.append(shown)
        if interrupt_when is not None and interrupt_when(shown):
            interrupt_when = None
            os.write(terminal, typed)
    seen.code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    scrolled = ["".join(line[column].data for column in range(columns)).rstrip() for line in screen.history.top]
    seen.lines = scrolled + [line.rstrip() for line in screen.display]
    while seen.lines and not seen.lines[-1]:
        seen.lines.pop()
    seen.cursor_hidden = screen.cursor.hidden
    return seen
