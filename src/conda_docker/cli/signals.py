"""Signals that end the program: Ctrl-C, and what systems send to have a process end."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from conda_docker.cli.exit_codes import ExitCode
from python_docker.interruption import interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAID = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
_MOMENT = 0.4
"""Seconds that ending may take before it is said that it takes a while."""
_ENDING = b"stopping what is under way...\n"

drawn = threading.Event()
"""Set while a display draws on the terminal, which then says itself that the program is ending."""


class Ended(KeyboardInterrupt):
    """The program was asked to end by a signal; raised where it is, so that nothing is left half-written.

    Its text says which signal it was.
    """

    def __init__(self, number: int) -> None:
        super().__init__(_SAID[signal.Signals(number).name])
        self.exit_code = 128 + number


def watch_signals() -> None:
    """Have signals raise `Ended` in the main thread, and tell the others by `python_docker.interruption`."""
    for name in _SAID:
        number = getattr(signal, name, None)
        # What was started with a signal ignored (nohup, a shell's background) goes on ignoring it.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def reach_main_thread() -> None:
    """Have signals reach the main thread, where Python runs what handles them, whichever thread the system gives them.

    It gives them to another where this process is stopped when they come (Ctrl-Z, then `kill`), or has one to take
    already. The main thread does not notice while it waits for a lock, which may be for hours.
    """
    if not hasattr(signal, "pthread_kill"):
        return  # Windows: they come on a thread of their own, and no wait for a lock is for long
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGURG, _wake_up)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    threading.Thread(target=_wake_main_thread, args=(readable,), name="signals", daemon=True).start()


def _wake_main_thread(readable: int) -> None:
    """Interrupt what the main thread waits for, for each signal that `readable` tells of."""
    main = threading.main_thread().ident
    assert main is not None
    while number := os.read(readable, 1):
        if number[0] != signal.SIGURG:
            signal.pthread_kill(main, signal.SIGURG)


def _wake_up(number: int, frame: FrameType | None) -> None:
    """Do nothing: the signals that came before are handled, too."""


def _end(number: int, frame: FrameType | None) -> None:
    interrupted.set()
    if hasattr(signal, "setitimer"):  # a thread cannot be started here: the signal may have come while one was
        signal.signal(signal.SIGALRM, _say_that_it_takes_a_while)
        signal.setitimer(signal.ITIMER_REAL, _MOMENT)
    raise Ended(number)


def _say_that_it_takes_a_while(number: int, frame: FrameType | None) -> None:
    if not drawn.is_set():
        with suppress(OSError):  # nobody reads it any more
            os.write(2, _ENDING)


def have_ended() -> None:
    """Note that all has ended: nothing is said of it any more."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def interruption_in(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interruption that an error comes from: Python wraps one in what it calls while it makes a class.

    >>> interruption_in(ValueError("no")) is None
    True
    """
    return next((each for each in _chain(error) if isinstance(each, KeyboardInterrupt)), None)


def exit_code_of_interruption(error: KeyboardInterrupt) -> int:
    """Return the exit code that says which signal ended the program."""
    return error.exit_code if isinstance(error, Ended) else ExitCode.SIGINT


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
