"""Printing bytes on streams of every kind."""

from __future__ import annotations

import io

from python_docker.docker.standard_streams import printer


def test_bytes_stay_as_they_are_where_there_are_bytes_beneath() -> None:
    beneath = io.BytesIO()
    stream = io.TextIOWrapper(beneath, encoding="ascii")
    stream.write("before ")
    printer(stream)(b"\xff\xc3\xa4\n")
    assert beneath.getvalue() == b"before \xff\xc3\xa4\n"


def test_a_stream_of_text_gets_text() -> None:
    stream = io.StringIO()
    write = printer(stream)
    write("ä".encode()[:1])
    write("ä".encode()[1:])
    write(b"\xff\n")
    assert stream.getvalue() == "ä\N{REPLACEMENT CHARACTER}\n"


def test_no_stream_takes_everything() -> None:
    printer(None)(b"lost")
