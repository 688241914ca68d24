"""The command line: `conda-docker`, `conda docker`, `python -m conda_docker`.

One module a subcommand. `main` is the whole program; `run` is the same within a process that goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from conda_docker.cli.exit_codes import ExitCode, exit_code_of
from conda_docker.cli.signals import (
    exit_code_of_interruption,
    have_ended,
    interruption_in,
    reach_main_thread,
    watch_signals,
)
from python_docker.interruption import interrupted

if TYPE_CHECKING:
    from conda_docker.cli.terminal.output import Output

PROGRAM = "conda-docker"
# A whole build makes fewer objects that could be part of a cycle, most of them by imports: looking for cycles among
# them again and again would take a tenth of the time of a build that finds all its layers.
_NEW_OBJECTS_TO_COLLECT = 100_000


def main(args: Sequence[str] | None = None, *, program: str | None = None) -> NoReturn:
    """Run a command line, this process's own when `args` is None, and end the process with its exit code.

    0 means done; `conda_docker.cli.exit_codes` has the others. `program` is the name of the program in help and
    messages.
    """
    try:
        watch_signals()
        start_quickly()
        _open_closed_streams()
        reach_main_thread()
        code = run(args, program=program, signals=True)
    except KeyboardInterrupt as error:  # before there was anybody to tell
        print(f"error: {error or 'interrupted'}", file=sys.stderr)
        code = exit_code_of_interruption(error)
    have_ended()
    _leave(code)


def start_quickly() -> None:
    """Set this process up for one command: to be called before anything large is imported."""
    import gc

    gc.set_threshold(_NEW_OBJECTS_TO_COLLECT)


def cli(args: Sequence[str]) -> None:
    """Run a command line, as in earlier releases: raises `SystemExit` unless it ends well."""
    if code := run(args):
        raise SystemExit(code)


def run(args: Sequence[str] | None = None, *, program: str | None = None, signals: bool = False) -> int:
    """Run a command line and give its exit code; see `main`. With `signals`, those that `main` watches end its work."""
    from conda_docker.cli.terminal.output import Output, StdoutClosed

    output = Output()
    if signals:
        output.cancelled = interrupted
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _invoke(list(sys.argv[1:] if args is None else args), program or PROGRAM, output)
    except StdoutClosed:
        return ExitCode.SIGPIPE
    except KeyboardInterrupt as error:
        return _interrupted(error, output)
    except Exception as error:
        signal = interruption_in(error)
        return _explain(error, output) if signal is None else _interrupted(signal, output)
    finally:
        output.close()


def _open_closed_streams() -> None:
    """Open what the shell closed (`>&-`) on the null device.

    Otherwise the next file to be opened would get the number of standard output, and whatever is printed.
    """
    import os

    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _invoke(args: list[str], program: str, output: Output) -> int:
    import os

    from click.exceptions import Exit

    from conda_docker.cli.app import app

    if "_" + program.replace("-", "_").replace(" ", "_").upper() + "_COMPLETE" in os.environ:
        app.main(args, prog_name=program)
    try:
        with app.make_context(program, args, obj=output) as context:
            result = app.invoke(context)
    except Exit as leave:
        return leave.exit_code
    return result if isinstance(result, int) else 0


def _interrupted(error: KeyboardInterrupt, output: Output) -> int:
    have_ended()
    output.error(str(error) or "interrupted")
    return exit_code_of_interruption(error)


def _explain(error: Exception, output: Output) -> int:
    """Tell what went wrong, in a line for the person who typed the command; gives the exit code."""
    import click

    from python_docker.errors import Error, is_lack_of_memory, notes_of

    if output.debug:
        import traceback

        from conda_docker.cli.terminal.output import write_line
        from conda_docker.redaction import public_log

        write_line(sys.stderr, public_log("".join(traceback.format_exception(error)).rstrip()))
    if isinstance(error, click.ClickException):
        from conda_docker.cli.parser import usage_message

        output.error(usage_message(error))
        context = getattr(error, "ctx", None)
        if context is not None:
            output.note(f"Try '{context.command_path} --help'.")
        return error.exit_code
    if isinstance(error, Error):
        from conda_docker.cli.terminal.places import place_in_engine

        elsewhere = place_in_engine(error)
        for note in (*notes_of(error), *([elsewhere] if elsewhere else [])):
            output.note(f"note: {note}")
        output.error(str(error))
        return exit_code_of(error)
    elif is_lack_of_memory(error):
        output.error(f"out of memory: {_memory_advice()}")
    elif isinstance(error, FileNotFoundError) and error.filename is None and _is_nowhere():
        output.error("the current folder was deleted; run the command in another one")
        return ExitCode.NOT_FOUND
    elif isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        # So Python has bytes of paths and arguments that are not text in the locale.
        output.error(
            "a path or an argument is not text in this locale; choose one with UTF-8, such as LC_ALL=C.UTF-8, or give "
            "it another name"
        )
        return ExitCode.USAGE
    elif isinstance(error, OSError) and error.strerror:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        output.error(": ".join([*names[:1], error.strerror]))
    else:
        text = str(error)
        output.error(f"unexpected {type(error).__name__}{': ' if text else ''}{text}")
        if not output.debug:
            output.note("This should not happen. The same command with --debug shows where it comes from.")
    return ExitCode.FAILED


def _is_nowhere() -> bool:
    import os

    try:
        os.getcwd()  # noqa: PTH109 -- as what has just failed
    except FileNotFoundError:
        return True
    return False


def _memory_advice() -> str:
    from conda_docker.arguments.amounts import format_size

    try:
        import resource
    except ImportError:  # Windows has no such limits
        return "close other programs and try again"
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return "close other programs, or give this container or machine more memory"
    return f"this process may use {format_size(limit)}; raise the limit (ulimit -v)"


def _leave(code: int) -> NoReturn:
    """End the process without finalising the interpreter.

    py-rattler 0.28 crashes in about 4 of 100 short runs when the interpreter is finalised soon after one of its calls
    (a race in pyo3-async-runtimes), and a right result must not end in a wrong exit code.
    """
    import atexit
    import os

    atexit._run_exitfuncs()  # temporary files are removed there
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or (ExitCode.SIGPIPE if stream is sys.stdout else 0)
    os._exit(code)
