"""Trying again: what is worth it, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Callable

from python_docker.http.failure import HttpError
from python_docker.http.headers import retry_after
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.time_limit import pause

RETRIED = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""The statuses that may be others at the next try."""


def is_passing(response: Response) -> bool:
    """Return whether an answer may be another at the next try."""
    return response.status in RETRIED


def with_retries(
    send: Callable[[], Response],
    options: HttpOptions,
    passing: Callable[[Response], bool] = is_passing,
    sleep: Callable[[float], None] = pause,
) -> Response:
    """Call `send` until its answer is not a `passing` failure, as often as the options allow; return the last answer.

    `send` must be safe to repeat. Raises `HttpError`.
    """
    for attempt in range(1, options.attempts):
        try:
            response = send()
        except HttpError as error:
            if not error.transient:
                raise
            sleep(backoff(attempt, options))
            continue
        wait = wait_before_retry(response, attempt, options) if passing(response) else None
        if wait is None:
            return response
        response.discard()
        sleep(wait)
    return send()


def wait_before_retry(response: Response, attempt: int, options: HttpOptions) -> float | None:
    """Return the seconds to wait after this failure of the attempt of that number; None when that is too long."""
    asked = retry_after(response.headers) if response.status in {429, 503} else None
    if asked is not None and asked > options.max_wait:
        return None
    return max(asked or 0.0, backoff(attempt, options))


def backoff(attempt: int, options: HttpOptions) -> float:
    """Return the seconds to wait after the failed attempt of that number (1, 2, ...), a quarter left to chance."""
    wait = min(options.max_backoff, options.backoff * 2.0 ** (attempt - 1))
    return wait * random.uniform(0.75, 1.0)  # noqa: S311 -- no secret
