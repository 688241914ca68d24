"""What went wrong between this process and an engine, for people, and as errors of this project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from python_docker.errors import EngineError, EngineNotFound, NotFound

_SHOWN = 2000  # characters of what an engine says
_MOST_CAUSES = 20


@contextmanager
def engine_errors(engine: str, what: str) -> Iterator[None]:
    """Raise what the Docker SDK raises within as an error of ours: `engine` (its name) could not do `what`.

    `EngineNotFound` when nothing takes the connection, `NotFound` for HTTP status 404, else `EngineError`.
    """
    import docker.errors
    import requests
    import urllib3

    try:
        yield
    except docker.errors.NotFound as error:
        raise NotFound(_sentence(engine, what, _explanation(error))) from None
    except docker.errors.APIError as error:
        raise EngineError(_sentence(engine, what, _explanation(error))) from None
    except (
        docker.errors.DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        # What the SDK stumbles over in an answer that no engine gives.
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        RuntimeError,
    ) as error:
        kind = EngineNotFound if _is_nobody(error) else EngineError
        raise kind(_sentence(engine, what, reason(error))) from None


def reason(error: BaseException) -> str:
    """Return what happened to a connection, for people.

    >>> reason(ConnectionRefusedError(111, "Connection refused"))
    'nothing listens there'
    """
    import requests
    import urllib3

    causes = list(_causes(error))
    for kinds, words in (
        (PermissionError, "this user may not talk to it (for Docker, join the group docker)"),
        (FileNotFoundError, "it is not there"),
        (ConnectionRefusedError, "nothing listens there"),
        ((TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError), "it does not answer"),
        ((ConnectionError, urllib3.exceptions.ProtocolError), "the connection was cut"),
    ):
        if any(isinstance(cause, kinds) for cause in causes):
            return words
    if any(isinstance(cause, (json.JSONDecodeError, LookupError, TypeError, RecursionError)) for cause in causes):
        return "the server is not a Docker Engine"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) and str(cause):
            return str(cause)
    return str(error)[:_SHOWN] or type(error).__name__


def _explanation(error: BaseException) -> str:
    told = getattr(error, "explanation", None)
    status = getattr(error, "status_code", None)
    return told if isinstance(told, str) and told else f"HTTP status {status}"


def _sentence(engine: str, what: str, why: str) -> str:
    return f"{engine} could not {what}: {why[:_SHOWN]}"


def _is_nobody(error: BaseException) -> bool:
    """Return whether nothing took the connection."""
    return any(
        isinstance(cause, (FileNotFoundError, ConnectionRefusedError, PermissionError)) for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that libraries wrapped in one another, the outermost first."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_CAUSES:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        waiting += [each for each in inner if isinstance(each, BaseException)]
