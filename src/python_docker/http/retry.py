"""Trying again: what is worth it, and how long to wait before."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from python_docker.http.client import Response
from python_docker.http.failure import TransientFailure
from python_docker.http.options import RegistryOptions
from python_docker.registry.refusal import is_pull_limit, retry_after

RETRIED = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""The statuses that may be others at the next try."""


def is_passing(response: Response) -> bool:
    """Whether an answer may be another at the next try."""
    return response.status in RETRIED


def with_retries(
    send: Callable[[], Response], options: RegistryOptions, passing: Callable[[Response], bool] = is_passing
) -> Response:
    """Call `send` until its answer is no `passing` failure, as often as the options allow, and give the last answer.

    `send` must be safe to repeat. Raises `ConnectionFailed`.
    """
    for attempt in range(1, options.attempts + 1):
        last = attempt == options.attempts
        try:
            response = send()
        except TransientFailure:
            if last:
                raise
            time.sleep(backoff(attempt, options))
            continue
        wait = None if last or not passing(response) else wait_before_retry(response, attempt, options)
        if wait is None:
            return response
        response.discard()
        time.sleep(wait)
    raise AssertionError("unreachable")


def wait_before_retry(response: Response, attempt: int, options: RegistryOptions) -> float | None:
    """The seconds to wait after this failure of the attempt of that number, None when waiting is no use."""
    asked = retry_after(response) if response.status in {429, 503} else None
    if asked is not None:
        return max(asked, backoff(attempt, options)) if asked <= options.max_wait else None
    if response.status == 429 and is_pull_limit(response):
        return None
    return backoff(attempt, options)


def backoff(attempt: int, options: RegistryOptions) -> float:
    """The seconds to wait after the failed attempt of that number (1, 2, ...), a quarter of them left to chance."""
    wait = min(options.max_backoff, options.backoff * 2.0 ** (attempt - 1))
    return wait * random.uniform(0.75, 1.0)  # noqa: S311 -- no secret
