"""There is one tree of errors, and each can be made with a message alone or says what else it needs."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil

import pytest

import conda_docker
import python_docker
from python_docker.errors import (
    AccessDenied,
    ConnectionFailed,
    ContainerFailed,
    EngineError,
    Error,
    NotFound,
    NotFoundInRegistry,
    PlatformNotFound,
    RegistryError,
    TooManyRequests,
    noted,
    notes_of,
)

# What never leaves the modules that raise it: it only stops work, or stands for a failure that another error tells of.
INNER = {
    "conda_docker.baking.cluster.tasks.TaskFailed",
    "conda_docker.cli.signals.Ended",
    "conda_docker.cli.terminal.output.StdoutClosed",
    "conda_docker.package.fetch.download.Stopped",
    "python_docker.http.connections.diagnosis.BadAddress",
    "python_docker.http.connections.diagnosis.BadProxy",
    "python_docker.http.connections.diagnosis.NotConnected",
    "python_docker.http.connections.heads.BadLength",
    "python_docker.http.connections.heads.HeadTooLong",
    "python_docker.http.connections.heads.HeadTooSlow",
    "python_docker.http.connections.heads.OnlyHttp2",
    "python_docker.spec.documents.fields.Malformed",
}


def exceptions() -> set[type[BaseException]]:
    """Return every exception that a module of the project defines."""
    found = set()
    for package in (python_docker, conda_docker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(("__main__", ".plugin")):
                continue
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(kind, BaseException) and kind.__module__ == module.name:
                    found.add(kind)
    return found


def test_every_exception_is_in_the_tree() -> None:
    outside = {f"{kind.__module__}.{kind.__qualname__}" for kind in exceptions() if not issubclass(kind, Error)}
    assert sorted(outside - INNER) == []


def test_every_exception_says_what_it_means() -> None:
    assert [kind.__name__ for kind in exceptions() if not kind.__doc__] == []


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (NotFoundInRegistry("x"), (RegistryError, NotFound, LookupError)),
        (PlatformNotFound("x"), (NotFound,)),
        (AccessDenied("x"), (RegistryError, ValueError)),
        (ContainerFailed("x", exit_code=3, output=b"out"), (EngineError,)),
    ],
)
def test_what_callers_may_catch(error: Error, kinds: tuple[type[BaseException], ...]) -> None:
    assert all(isinstance(error, kind) for kind in kinds)


def test_what_a_registry_said() -> None:
    error = TooManyRequests("slow down", codes=("TOOMANYREQUESTS",), retry_after=2.5)
    assert (str(error), error.status, error.codes, error.retry_after) == (
        "slow down",
        429,
        ("TOOMANYREQUESTS",),
        2.5,
    )
    assert ConnectionFailed("x", cause="refused").cause == "refused"


def test_what_was_noticed_goes_with_the_error() -> None:
    noticed = ["first"]
    with pytest.raises(Error) as caught, noted(noticed):
        noticed.append("second")
        raise Error("it failed")
    outer = Error("it failed here")
    outer.__cause__ = caught.value
    assert notes_of(outer) == ["first", "second"]
    assert str(caught.value) == "it failed"


def test_messages_can_always_be_written() -> None:
    assert str(Error("a name with half of a pair: \ud800")) == "a name with half of a pair: \\ud800"


def test_a_copy_in_another_process_is_the_same() -> None:
    error = ContainerFailed("it failed", exit_code=3, output=b"said")
    error.add_note("noticed")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.exit_code, copy.output) == (ContainerFailed, "it failed", 3, b"said")
    assert notes_of(copy) == ["noticed"]
