"""What is tried again, and how long is waited before."""

from __future__ import annotations

from typing import cast

import pytest

from python_docker.http.failure import Cause, HttpError
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.http.retry import RETRIED, backoff, with_retries

OPTIONS = HttpOptions(attempts=3, backoff=1, max_backoff=8, max_wait=60)
BROKEN = HttpError(Cause.CUT, "example.org", transient=True)


class Answer:
    def __init__(self, status: int, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.discarded = False

    def discard(self) -> None:
        self.discarded = True


def run(*answers: Answer | HttpError) -> tuple[Answer, list[float]]:
    """Return the answer that comes out of these, and the waits on the way."""
    left = list(answers)
    waits: list[float] = []

    def send() -> Response:
        answer = left.pop(0)
        if isinstance(answer, HttpError):
            raise answer
        return cast("Response", answer)

    found = with_retries(send, OPTIONS, sleep=waits.append)
    return cast("Answer", found), waits


def test_a_good_answer_is_taken_at_once() -> None:
    assert run(good := Answer(200)) == (good, [])


@pytest.mark.parametrize("status", sorted(RETRIED))
def test_passing_refusals_are_tried_again(status: int) -> None:
    found, waits = run(bad := Answer(status), Answer(200))
    assert (found.status, len(waits), bad.discarded) == (200, 1, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 416])
def test_others_are_answers(status: int) -> None:
    assert run(bad := Answer(status)) == (bad, [])


def test_broken_connections_are_made_anew() -> None:
    found, waits = run(BROKEN, BROKEN, Answer(200))
    assert (found.status, len(waits)) == (200, 2)


def test_the_last_failure_is_the_result() -> None:
    assert run(Answer(503), Answer(503), Answer(502))[0].status == 502
    with pytest.raises(HttpError):
        run(BROKEN, BROKEN, BROKEN)


def test_what_another_try_cannot_help_is_not_tried() -> None:
    with pytest.raises(HttpError):
        run(HttpError(Cause.CERTIFICATE, "example.org"), Answer(200))


@pytest.mark.parametrize(("asked", "waited"), [("5", 5.0), ("0", 0.75), ("60", 60.0)])
def test_the_server_says_how_long_to_wait(asked: str, waited: float) -> None:
    _, waits = run(Answer(429, retry_after=asked), Answer(200))
    assert waited <= waits[0] <= max(waited, 1)


def test_who_asks_for_too_much_refuses() -> None:
    assert run(bad := Answer(429, retry_after="61")) == (bad, [])


def test_waits_grow() -> None:
    waits = [backoff(attempt, OPTIONS) for attempt in range(1, 9)]
    limits = [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(limit * 0.75 <= wait <= limit for wait, limit in zip(waits, limits, strict=True))
