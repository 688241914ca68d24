"""Failure: an error as a value that goes from one process, or machine, to another."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from python_docker.errors import Error, is_lack_of_memory

_OUT_OF_MEMORY = "out of memory: fewer at once take less (--jobs, --memory), unless a limit is too low (ulimit -v)"
_OURS = ("conda_docker.", "python_docker.")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error and its causes, outermost first: the module and the name of each class, and what it says."""

    chain: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Return an error as a value; one that is not of this project's tree says of which class it is."""
        chain: list[tuple[str, str, str]] = []
        told: BaseException | None = error
        while told is not None and len(chain) < _LONGEST:
            kind = type(told)
            if isinstance(told, Error):
                chain.append((kind.__module__, kind.__qualname__, str(told)))
            elif is_lack_of_memory(told):
                chain.append((Error.__module__, Error.__qualname__, _OUT_OF_MEMORY))
            elif isinstance(told, OSError) and told.strerror:
                place = "" if told.filename is None else f"{told.filename}: "
                chain.append((Error.__module__, Error.__qualname__, f"{place}{told.strerror}"))
            else:
                chain.append((Error.__module__, Error.__qualname__, f"unexpected {kind.__name__}: {told}"))
            told = told.__cause__
        return cls(tuple(chain))

    def error(self) -> Error:
        """Return the error, with its causes, as one of the same classes."""
        first, *causes = [_rebuilt(*each) for each in self.chain]
        error = first
        for cause in causes:
            error.__cause__ = cause
            error = cause
        return first


_LONGEST = 10


def _rebuilt(module: str, name: str, message: str) -> Error:
    kind: object = None
    if module.startswith(_OURS):
        try:
            kind = getattr(import_module(module), name, None)
        except ImportError:
            kind = None
    if not isinstance(kind, type) or not issubclass(kind, Error):
        return Error(message)
    error = kind.__new__(kind, message)  # some take more than a message, which is not needed any more
    Exception.__init__(error, message)
    return error
