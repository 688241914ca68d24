"""Paths of this machine become the image's, and nothing else does."""

from __future__ import annotations

import pytest

from conda_docker.errors import PlaceholderTooLong
from conda_docker.prefix.relocate import Relocation

OLD = "/home/me/env"
RELOCATION = Relocation(((OLD, "/opt/conda"), ("/home/me/my project", "/opt/conda/src/mine")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"PATH=/home/me/env/bin:/home/me/env", b"PATH=/opt/conda/bin:/opt/conda"),
        (b"-L/home/me/env/lib", b"-L/opt/conda/lib"),
        (b"/home/me/env-old /home/me/env2 /home/me/env.bak", b"/home/me/env-old /home/me/env2 /home/me/env.bak"),
        (b"It is in /home/me/env.", b"It is in /opt/conda."),
        (b"/home/me/my project/x", b"/opt/conda/src/mine/x"),
        (b"file:///home/me/my%20project", b"file:///opt/conda/src/mine"),
        (b"#!/home/me/env/bin/python\nx", b"#!/opt/conda/bin/python\nx"),
        (b"#!/bin/sh\n'''exec' /home/me/env/bin/python", b"#!/bin/sh\n'''exec' /opt/conda/bin/python"),
    ],
)
def test_texts(before: bytes, after: bytes) -> None:
    assert RELOCATION.text(before) == after
    assert RELOCATION.concerns(before) == (before != after)


def test_a_first_line_that_becomes_too_long() -> None:
    long = Relocation(((OLD, "/" + "x" * 200),))
    assert long.text(b"#!/home/me/env/bin/python\n").startswith(b"#!/bin/sh\n'''exec' \"/xxx")


def test_programs_keep_their_size() -> None:
    content = b"\x7fELF\0/home/me/env/lib\0rest"
    moved = RELOCATION.binary(content, "lib/x.so")
    assert moved == b"\x7fELF\0/opt/conda/lib\0\0\0rest"


def test_a_program_without_room() -> None:
    with pytest.raises(PlaceholderTooLong, match=r"lib/x\.so holds the path /home/me/env"):
        Relocation(((OLD, "/opt/a/longer/prefix"),)).binary(b"\0/home/me/env\0", "lib/x.so")


def test_links() -> None:
    targets = ["/home/me/env/bin/x", "/home/me/env", "/home/me/env2", "../x", "/usr/bin/x"]
    assert list(map(RELOCATION.link, targets)) == ["/opt/conda/bin/x", "/opt/conda", *targets[2:]]
