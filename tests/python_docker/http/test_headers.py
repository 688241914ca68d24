"""Numbers, ranges, dates and links in headers."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.http.headers import content_range, content_type, header_number, next_link, retry_after


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        (" 12\t", 12),
        ("9" * 18, int("9" * 18)),
        *(
            (text, None)
            for text in (None, "", "-1", "+1", "1.0", "1_0", "0x1", "\u0661", "\u00b2", "9" * 19, "9" * 5000)
        ),
    ],
)
def test_header_number(text: str | None, number: int | None) -> None:
    assert header_number(text) == number


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    assert (number := header_number(text)) is None or str(number) == text.strip(" \t").lstrip("0").rjust(1, "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/10", (0, 9, 10)),
        ("bytes  5-9/*", (5, 9, None)),
        *(
            (text, None)
            for text in ("", "bytes */10", "items 0-9/10", "bytes 0-/10", f"bytes 0-{'9' * 19}/*", "0-9/10")
        ),
    ],
)
def test_content_range(text: str, expected: tuple[int, int, int | None] | None) -> None:
    assert content_range({"content-range": text}) == expected


def test_content_type() -> None:
    assert content_type({"content-type": "Text/HTML ; charset=x"}) == "text/html"
    assert content_type({}) == ""


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.5", 0.5), ("", None), ("soon", None), ("-1", None)])
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def test_retry_after_a_date() -> None:
    assert 6000 < (retry_after({"retry-after": formatdate(time.time() + 7000, usegmt=True)}) or 0) <= 7000
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}) == 0


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], None),
        (['</a>; rel="next"'], "/a"),
        (["</a>;rel=next"], "/a"),
        (["</a>; REL=NEXT"], "/a"),
        (['</a>; rel="prev"', '</b>; rel="next"'], "/b"),
        (['</a?x=1,2>; rel="prev", <https://h/b;c?d>; title="x, y"; rel="last next"'], "https://h/b;c?d"),
        (["</a>; rel=nextish"], None),
        (["</a"], None),
        (["rel=next"], None),
        (["<>; rel=next"], ""),
    ],
)
def test_next_link(links: list[str], expected: str | None) -> None:
    assert next_link(links) == expected


@pytest.mark.parametrize("piece", ["<", "<>", "<>;", "<a>; rel=x, ", "<a>;" + " ;", ";", '<a>; rel="', " "])
def test_links_take_linear_time(piece: str) -> None:
    """Whatever is repeated: the time per character does not grow with the length."""

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        started = time.process_time()
        next_link([text])
        return time.process_time() - started

    assert min(seconds(400_000) for _ in range(3)) < 40 * min(seconds(40_000) for _ in range(3)) + 0.05
