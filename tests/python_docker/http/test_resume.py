"""The one resumable download, by answers that are made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pytest

from python_docker.http.failure import Cause, HttpError
from python_docker.http.options import HttpOptions
from python_docker.http.response import Response
from python_docker.http.resume import ResumableBody

CONTENT = bytes(range(250)) * 40
SIZE = len(CONTENT)
CUT = HttpError(Cause.CUT, "example.org", "reset", transient=True)


class Answer:
    """An answer with `content`, of which only so many bytes come before the connection is `cut`."""

    host = "example.org"

    def __init__(
        self, content: bytes, status: int = 200, cut: int | None = None, length: int | None = -1, **headers: str
    ) -> None:
        self.status = status
        self.length = len(content) if length == -1 else length
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._left = content if cut is None else content[:cut]
        self._cut = cut is not None
        self.closed = False

    def read1(self, size: int) -> bytes:
        data, self._left = self._left[:size], self._left[size:]
        if not data and self._cut:
            raise CUT
        return data

    def close(self) -> None:
        self.closed = True

    discard = close


class Server:
    """Gives one answer after the other, and remembers the ranges that were asked for."""

    def __init__(self, *answers: Answer | HttpError) -> None:
        self._answers = list(answers)
        self.given = [answer for answer in answers if isinstance(answer, Answer)]
        self.ranges: list[str | None] = []

    def __call__(self, headers: Mapping[str, str]) -> Response:
        self.ranges.append(headers.get("Range"))
        answer = self._answers.pop(0)
        if isinstance(answer, HttpError):
            raise answer
        return cast("Response", answer)


def rest(start: int, *, cut: int | None = None, end: int = SIZE, size: str = str(SIZE)) -> Answer:
    return Answer(CONTENT[start:end], 206, cut, content_range=f"bytes {start}-{end - 1}/{size}")


Read = Callable[..., bytes]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def read(waits: list[float]) -> Read:
    """Return a function that reads everything that a server gives."""

    def read_all(server: Server, *, size: int | None = SIZE, position: int = 0, attempts: int = 3) -> bytes:
        options = HttpOptions(attempts=attempts)
        body = ResumableBody(server, options, size=size, position=position, sleep=waits.append)
        try:
            return b"".join(iter(lambda: body.read1(777), b""))
        finally:
            body.close()
            assert all(answer.closed for answer in server.given[: len(server.ranges)])

    return read_all


@pytest.mark.parametrize("size", [SIZE, None])
def test_in_one_piece(read: Read, size: int | None, waits: list[float]) -> None:
    assert read(server := Server(Answer(CONTENT)), size=size) == CONTENT
    assert (server.ranges, waits) == ([None], [])


@pytest.mark.parametrize(
    ("size", "expected"),
    [(SIZE, [None, f"bytes=4000-{SIZE - 1}", f"bytes=7000-{SIZE - 1}"])],
)
def test_goes_on_where_it_was(read: Read, size: int | None, expected: list[str | None], waits: list[float]) -> None:
    assert read(server := Server(Answer(CONTENT, cut=4000), rest(4000, cut=3000), rest(7000)), size=size) == CONTENT
    assert server.ranges == expected
    assert len(waits) == 2


def test_of_unknown_size(read: Read) -> None:
    """The size is learned from the first answer that says it."""
    server = Server(Answer(CONTENT, cut=4000, length=None), rest(4000, cut=10), rest(4010))
    assert read(server, size=None) == CONTENT
    assert server.ranges == [None, "bytes=4000-", f"bytes=4010-{SIZE - 1}"]


def test_from_the_middle(read: Read) -> None:
    assert read(server := Server(rest(5000)), position=5000) == CONTENT[5000:]
    assert server.ranges == [f"bytes=5000-{SIZE - 1}"]


def test_a_server_without_ranges(read: Read) -> None:
    assert read(server := Server(Answer(CONTENT, cut=4000), Answer(CONTENT)), size=SIZE) == CONTENT
    assert len(server.ranges) == 2


@pytest.mark.parametrize("status", [400, 416, 501])
def test_a_range_that_is_refused(read: Read, status: int) -> None:
    server = Server(Answer(CONTENT, cut=4000), Answer(b"no", status), Answer(CONTENT, cut=5000), Answer(CONTENT))
    assert read(server) == CONTENT
    assert server.ranges == [None, f"bytes=4000-{SIZE - 1}", None, None]


@pytest.mark.parametrize(
    "content_range", ["bytes 0-9999/10000", "bytes 4001-9999/10000", "bytes 4000-9999/9", "", "bytes x-y/z"]
)
def test_another_part_is_not_taken(read: Read, content_range: str) -> None:
    wrong = Answer(CONTENT[4000:], 206, content_range=content_range)
    assert read(server := Server(Answer(CONTENT, cut=4000), wrong, Answer(CONTENT))) == CONTENT
    assert server.ranges[-1] is None


def test_a_shorter_part_is_followed_by_the_next(read: Read) -> None:
    assert read(Server(Answer(CONTENT, cut=4000), rest(4000, end=6000), rest(6000))) == CONTENT


@pytest.mark.parametrize("length", [0, SIZE - 1, SIZE + 1])
def test_of_another_length(read: Read, length: int) -> None:
    with pytest.raises(HttpError) as caught:
        read(Server(Answer(b"", length=length)))
    assert caught.value.cause is Cause.WRONG_LENGTH


def test_what_is_here_is_longer_than_the_whole(read: Read) -> None:
    with pytest.raises(HttpError) as caught:
        read(Server(Answer(b"", 416), Answer(CONTENT)), size=None, position=SIZE + 1)
    assert caught.value.cause is Cause.WRONG_LENGTH


def test_no_more_than_the_size_is_read(read: Read) -> None:
    assert read(Server(Answer(CONTENT + b"more", length=None))) == CONTENT


def test_too_many_failures(read: Read, waits: list[float]) -> None:
    server = Server(Answer(CONTENT, cut=4000), *(rest(4000, cut=0) for _ in range(9)))
    with pytest.raises(HttpError) as caught:
        read(server, attempts=4)
    assert caught.value.cause is Cause.CUT
    assert len(server.ranges) == 4
    assert len(waits) == 3


def test_progress_in_between_is_forgiven(read: Read) -> None:
    pieces = [rest(start, cut=1000) for start in range(1000, SIZE - 1000, 1000)]
    assert read(Server(Answer(CONTENT, cut=1000), *pieces, rest(SIZE - 1000)), attempts=2) == CONTENT


def test_what_asking_raises_is_final(read: Read, waits: list[float]) -> None:
    with pytest.raises(HttpError):
        read(Server(Answer(CONTENT, cut=4000), CUT))
    assert len(waits) == 1


def test_an_early_end_is_a_cut(read: Read) -> None:
    assert read(Server(Answer(CONTENT[:100], length=None), rest(100))) == CONTENT


@pytest.mark.parametrize("broke", [True, False])
def test_it_is_known_whether_it_broke(broke: bool) -> None:
    server = Server(Answer(CONTENT, cut=10), rest(10)) if broke else Server(Answer(CONTENT))
    body = ResumableBody(server, HttpOptions(), size=SIZE, sleep=lambda seconds: None)
    while body.read1():
        pass
    assert body.broke is broke


END = 300


def end_first(server: Server, position: int = 0) -> tuple[bytes, bytes]:
    """Return the end and the rest, as they are read."""
    body = ResumableBody(server, HttpOptions(attempts=3), size=SIZE, position=position, sleep=lambda seconds: None)
    end = body.read_end(END)
    assert body.broke is bool(end)
    found = b"".join(iter(lambda: body.read1(777), b""))
    assert all(answer.closed for answer in server.given[: len(server.ranges)])
    return end, found


@pytest.mark.parametrize("position", [0, 4000, SIZE - END])
def test_the_end_comes_first_and_nothing_twice(position: int) -> None:
    server = Server(rest(SIZE - END), rest(position, end=SIZE - END))
    assert end_first(server, position) == (CONTENT[-END:], CONTENT[position:-END])
    asked = [f"bytes={SIZE - END}-{SIZE - 1}", f"bytes={position}-{SIZE - END - 1}"]
    assert server.ranges == asked[: 1 + (position < SIZE - END)]


def test_what_comes_after_the_end_goes_on_where_it_was() -> None:
    server = Server(rest(SIZE - END), rest(0, end=SIZE - END, cut=4000), rest(4000, end=SIZE - END))
    assert end_first(server) == (CONTENT[-END:], CONTENT[:-END])
    assert server.ranges[-1] == f"bytes=4000-{SIZE - END - 1}"


@pytest.mark.parametrize("position", [0, 4000])
def test_a_server_that_gives_all_at_once_is_asked_once(position: int) -> None:
    server = Server(Answer(CONTENT))
    assert end_first(server, position) == (b"", CONTENT[position:])
    assert len(server.ranges) == 1


@pytest.mark.parametrize(
    "answer", [Answer(b"no", 416), rest(SIZE - END, size="*"), rest(SIZE - 200), rest(SIZE - END, size="9999999")]
)
def test_without_the_end_everything_comes_in_order(answer: Answer) -> None:
    server = Server(answer, Answer(CONTENT))
    assert end_first(server) == (b"", CONTENT)
    assert server.ranges[1:] == [None]


def test_an_end_that_is_cut_is_done_without() -> None:
    server = Server(rest(SIZE - END, cut=100), Answer(CONTENT))
    assert end_first(server) == (b"", CONTENT)


def test_all_of_it_from_a_server_that_no_longer_gives_parts() -> None:
    server = Server(rest(SIZE - END), Answer(b"no", 416), Answer(CONTENT))
    assert end_first(server) == (CONTENT[-END:], CONTENT[:-END])


def test_an_end_of_something_of_another_length() -> None:
    with pytest.raises(HttpError) as caught:
        end_first(Server(Answer(b"", length=SIZE + 1)))
    assert caught.value.cause is Cause.WRONG_LENGTH
