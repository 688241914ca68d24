"""Where text goes: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import logging

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
# What changes the order of the characters around it, so that a terminal shows something else.
_ORDER = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROL |= {ord(mark): f"\\u{ord(mark):04x}" for mark in _ORDER}

_LONGEST = 2000  # characters of a line of an error or a note
_DIGEST = r"(?<!\S)sha256:[0-9a-f]{64}(?!\S)"


class StdoutClosed(Exception):
    """Whoever read standard output has gone, as `head` does when it has seen enough."""


class Verbosity(IntEnum):
    """How much goes to standard error."""

    QUIET = -1
    """Only errors."""
    NORMAL = 0
    """Progress and notes."""
    VERBOSE = 1
    """What the program does, a line each, in place of progress bars."""
    DEBUG = 2
    """All of that, and tracebacks."""


class Output:
    """The streams of one command, and how much goes to them.

    Text that comes from images, registries and files never reaches a terminal with its control characters. `progress`
    says how progress is shown: `auto`, `plain` (lines) or `none`. `cancelled` is set when the command is to end early;
    work that reports its progress then stops.
    """

    def __init__(self, verbosity: Verbosity = Verbosity.NORMAL, progress: str = "auto") -> None:
        self.verbosity = verbosity
        self.progress = progress
        self.cancelled = threading.Event()
        self._results_to_stderr = False
        self._log_handler: logging.Handler | None = None
        self._level_before = 0

    @property
    def quiet(self) -> bool:
        """Return whether only errors and results are wanted."""
        return self.verbosity <= Verbosity.QUIET

    @property
    def debug(self) -> bool:
        """Return whether tracebacks are wanted."""
        return self.verbosity >= Verbosity.DEBUG

    def show_logs(self) -> None:
        """Show what modules log, up to the verbosity, until `close`."""
        import logging

        handler = logging.StreamHandler(_ErrorLines())
        root = logging.getLogger()
        self._level_before = root.level
        if self.verbosity >= Verbosity.VERBOSE:
            handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
            root.setLevel(logging.DEBUG if self.debug else logging.INFO)
        else:
            handler.setFormatter(logging.Formatter("warning: %(message)s"))
            handler.setLevel(logging.CRITICAL if self.quiet else logging.WARNING)
        root.addHandler(handler)
        self._log_handler = handler

    def leave_stdout(self) -> None:
        """Write results to standard error from now on: standard output is where something else goes."""
        self._results_to_stderr = True

    def close(self) -> None:
        """Show no more logs."""
        if self._log_handler is not None:
            import logging

            logging.getLogger().removeHandler(self._log_handler)
            logging.getLogger().setLevel(self._level_before)
            self._log_handler = None

    def result(self, text: str) -> None:
        """Write `text` and a line feed to standard output. Raises `StdoutClosed`.

        On a terminal digests are never broken by the end of a line, so that they can be copied.
        """
        text = printable(text)
        if (sys.stderr if self._results_to_stderr else sys.stdout).isatty():
            import shutil

            text = with_whole_digests(text, shutil.get_terminal_size().columns)
        self._write(text + "\n")

    def json(self, value: Mapping[str, object] | Sequence[Mapping[str, object]]) -> None:
        """Write `value` as JSON to standard output. Raises `StdoutClosed`."""
        import json

        self._write(json.dumps(value, indent=2) + "\n")

    def styled(self, text: str) -> None:
        """Write text of the program's own, colors and all, to standard output. Raises `StdoutClosed`."""
        self._write(text + "\n")

    def raw(self, content: bytes) -> None:
        """Write `content` to standard output: byte for byte, but printable where that is a terminal.

        Raises `StdoutClosed`.
        """
        if sys.stdout.isatty():
            text = printable(content.decode("utf-8", "backslashreplace"))
            self._write(text if text.endswith("\n") else f"{text}\n")
            return
        with _closed_pipes():
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()

    def _write(self, text: str) -> None:
        if self._results_to_stderr:
            write_line(sys.stderr, text.removesuffix("\n"))
            return
        with _closed_pipes():
            sys.stdout.write(text)
            sys.stdout.flush()

    def note(self, text: str) -> None:
        """Write a line to standard error, unless quiet."""
        if not self.quiet:
            write_line(sys.stderr, text)

    def error(self, text: str) -> None:
        """Write `error: text` to standard error, without credentials: it may repeat what the user wrote."""
        from conda_docker.redaction import public_text

        write_line(sys.stderr, f"error: {public_text(text)}")


def printable(text: str) -> str:
    """Return `text` with its control characters spelled out, line feeds and tabs excepted.

    >>> printable("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    # Half a surrogate pair cannot be written at all.
    return text.translate(_CONTROL).encode("utf-8", "backslashreplace").decode("utf-8")


def with_whole_digests(text: str, columns: int) -> str:
    """Return lines as they are, but for digests that a terminal would break: these get lines of their own.

    >>> digest = "sha256:" + 64 * "0"
    >>> [len(line) for line in with_whole_digests(f"base        demo.tar  {digest}", 80).splitlines()]
    [20, 80]
    """
    import re

    lines: list[str] = []
    for line in text.split("\n"):
        found = re.search(_DIGEST, line) if len(line) > columns else None
        if found is None:
            lines.append(line)
            continue
        before, after = line[: found.start()].rstrip(), line[found.end() :].strip()
        lines += filter(str.strip, [f"{before}  {after}" if after else before])
        lines.append(" " * max(0, min(found.start(), columns - len(found[0]))) + found[0])
    return "\n".join(lines)


def _shortened(text: str) -> str:
    """Return `text` with its overlong lines cut: a name in a package may be of any length."""
    lines = text.split("\n")
    cut = (f"{line[:_LONGEST]}... ({len(line)} characters)" if len(line) > _LONGEST else line for line in lines)
    return "\n".join(cut)


def write_line(stream: TextIO, text: str) -> None:
    """Write a line where it does not matter whether anybody reads it."""
    try:
        stream.write(printable(_shortened(text)) + "\n")
        stream.flush()
    except (OSError, ValueError):
        pass  # a closed terminal or pipe must not turn a right result into a failure


class _ErrorLines:
    """Standard error as a stream for logs, which may hold text from outside."""

    def write(self, text: str) -> None:
        from conda_docker.redaction import public_log

        try:
            sys.stderr.write(printable(public_log(text)))
        except (OSError, ValueError):
            return

    def flush(self) -> None:
        """Do nothing: standard error writes each line at its end."""


@contextmanager
def _closed_pipes() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise StdoutClosed from None
    except OSError as error:  # which names no file, as when its disk is full
        raise OSError(error.errno, error.strerror, "standard output") from None
