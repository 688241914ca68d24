"""Reading `WWW-Authenticate` headers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.registry.auth.challenge import Challenge, parse_challenges

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/ubuntu:pull"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], []),
        ([""], []),
        (["Basic"], [Challenge("basic")]),
        (['Basic realm="x"'], [Challenge("basic", {"realm": "x"})]),
        (["basic REALM=x"], [Challenge("basic", {"realm": "x"})]),
        (
            [HUB],
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:library/ubuntu:pull",
                    },
                )
            ],
        ),
        (
            ['Bearer realm="r",service="svc,with comma",scope="repository:a/b:pull,push repository:c/d:pull"'],
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "r",
                        "service": "svc,with comma",
                        "scope": "repository:a/b:pull,push repository:c/d:pull",
                    },
                )
            ],
        ),
        (
            ['Negotiate, Basic realm="x", Bearer realm="y",service="z"'],
            [
                Challenge("negotiate"),
                Challenge("basic", {"realm": "x"}),
                Challenge("bearer", {"realm": "y", "service": "z"}),
            ],
        ),
        (["Negotiate abc/+==, Basic realm=x"], [Challenge("negotiate"), Challenge("basic", {"realm": "x"})]),
        (
            ['Basic realm="x"', 'Bearer realm="y"'],
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})],
        ),
        (['Bearer realm="a\\"b\\\\c"'], [Challenge("bearer", {"realm": 'a"b\\c'})]),
        (['Bearer realm = "x" , service = "y"'], [Challenge("bearer", {"realm": "x", "service": "y"})]),
        (['Bearer ,, realm="x",,service="y",'], [Challenge("bearer", {"realm": "x", "service": "y"})]),
        (['Bearer realm="x",realm="y"'], [Challenge("bearer", {"realm": "x"})]),
        (['Bearer realm=""'], [Challenge("bearer", {"realm": ""})]),
        # Malformed: what came before counts.
        (['Bearer realm="unfinished'], [Challenge("bearer")]),
        (['Basic realm="x", Bearer realm="unfinished'], [Challenge("basic", {"realm": "x"}), Challenge("bearer")]),
        (["="], []),
        (['"quoted"'], []),
    ],
)
def test_examples(headers: list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(headers) == expected


tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=12)
values = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
parameters = st.dictionaries(tokens, values, min_size=1, max_size=4)
challenges = st.lists(st.builds(Challenge, tokens, parameters), max_size=4)


def write(challenge: Challenge) -> str:
    quoted = {name: re.sub(r'(["\\])', r"\\\1", value) for name, value in challenge.parameters.items()}
    return f"{challenge.scheme} " + ", ".join(f'{name}="{value}"' for name, value in quoted.items())


@given(challenges)
def test_what_is_written_is_read(written: list[Challenge]) -> None:
    assert parse_challenges([", ".join(map(write, written))]) == written
    assert parse_challenges(map(write, written)) == written


@given(st.lists(st.text(max_size=200), max_size=3))
def test_anything_is_read(headers: list[str]) -> None:
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()


@given(st.text('abc="\\,= \t', max_size=60))
def test_what_looks_like_one_is_read(header: str) -> None:
    for challenge in parse_challenges([header]):
        assert challenge.scheme in header.lower()


def test_huge_headers_are_cut() -> None:
    assert len(parse_challenges(["Basic a=b, " * 100_000])) < 2000


def test_words_after_a_value_end_it() -> None:
    assert parse_challenges(['Basic realm="x" y, Bearer realm="z"']) == [Challenge("basic", {"realm": "x"})]
