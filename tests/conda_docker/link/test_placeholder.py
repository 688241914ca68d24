"""Prefix replacement: examples of every rule, and large files in pieces as small ones at once.

That the bytes are rattler's is shown by `test_oracle.py` and, for prefixes that make first lines too long, here.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conda_docker.errors import PlaceholderTooLong
from conda_docker.link import placeholder
from conda_docker.link.placeholder import replace_binary, replace_large_binary, replace_large_text, replace_text
from tests.conda_docker.oracle import Rattler, differences, link_archives
from tests.conda_docker.packages import File, SyntheticPackage
from tests.conda_docker.strategies import ENCODINGS, PLACEHOLDER, contents

OLD = PLACEHOLDER
LONG_PREFIX = "/opt/" + "p" * 121
SPACED_PREFIX = "/opt/my conda"


def large_text(content: bytes, prefix: str) -> bytes:
    stream, size = replace_large_text(io.BytesIO(content), OLD, prefix)
    with stream:
        replaced = stream.read()
    assert len(replaced) == size
    return replaced


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ""),
        ("nothing", "nothing"),
        (OLD, "/new"),
        (f"a{OLD}b{OLD}", "a/newb/new"),
        (f"{OLD}{OLD}", "/new/new"),
        (f"{OLD[:-1]} {OLD[1:]}", f"{OLD[:-1]} {OLD[1:]}"),
        (f"#!{OLD}/bin/sh\n{OLD}", "#!/new/bin/sh\n/new"),
        (f"#!{OLD}/bin/sh", "#!/new/bin/sh"),
    ],
)
def test_text_is_replaced_everywhere(content: str, expected: str) -> None:
    assert replace_text(content.encode(), OLD, "/new") == expected.encode()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_is_replaced_in_wide_encodings(encoding: str) -> None:
    assert replace_text(f"é {OLD}/bin".encode(encoding), OLD, "/new") == "é /new/bin".encode(encoding)


def test_a_wide_string_at_an_odd_place_is_replaced() -> None:
    wide = OLD.encode("utf-16-le")
    replaced = replace_binary(b"x" + wide + bytes(2), OLD, "/new", "a")
    new = "/new".encode("utf-16-le")
    assert replaced == b"x" + new + bytes(len(wide) - len(new) + 2)


def test_bytes_that_are_no_text_stay() -> None:
    first_line = b"#!/bin/\xff\xfe -x\n"
    assert replace_text(first_line + OLD.encode() + b"\xff", OLD, "/new") == first_line + b"/new\xff"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", b""),
        (b"\0\1", b"\0\1"),
        (b"aOLD/lib\0tail", b"a/new/lib\0\0\0tail"),
        (b"OLD/a:OLD/b\0t\0", b"/new/a:/new/b\0\0\0\0\0t\0"),
        (b"OLD\0OLD\0", b"/new\0\0\0/new\0\0\0"),
        (b"OLD/unterminated", b"/new/unterminated\0\0"),
        (b"#!OLD/bin/sh\n", b"#!/new/bin/sh\n\0\0"),
    ],
)
def test_binaries_keep_their_size(content: bytes, expected: bytes) -> None:
    assert replace_binary(content.replace(b"OLD", b"/build"), "/build", "/new", "x") == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_binaries_hold_wide_strings(encoding: str) -> None:
    strings = f"a{OLD}/é\0b\0".encode(encoding)
    replaced = replace_binary(strings, OLD, "/new", "x")
    assert len(replaced) == len(strings)
    assert replaced.decode(encoding).replace("\0", "|").strip("|").split("|")[0] == "a/new/é"
    assert replaced.endswith("\0b\0".encode(encoding))


@pytest.mark.parametrize("large", [False, True])
def test_a_prefix_longer_than_the_placeholder_is_refused_where_it_is_needed(large: bool) -> None:
    def replace(content: bytes) -> bytes:
        if large:
            return replace_large_binary(io.BytesIO(content), "/build", "/opt/conda", "libz.so").read()
        return replace_binary(content, "/build", "/opt/conda", "libz.so")

    assert replace(b"nothing\0") == b"nothing\0"
    with pytest.raises(
        PlaceholderTooLong,
        match=r"libz\.so: the prefix '/opt/conda' has 10 bytes.*room for 6; choose .* with --prefix-in-image",
    ):
        replace(b"x\0/build/lib\0")


def test_a_prefix_as_long_as_the_placeholder_fits() -> None:
    assert replace_binary(b"/build\0", "/build", "/conda", "x") == b"/conda\0"


def test_an_empty_placeholder_replaces_nothing() -> None:
    assert replace_text(b"abc", "", "/new") == b"abc"
    assert replace_binary(b"abc", "", "/new", "x") == b"abc"


@given(
    content=contents() | st.binary(max_size=400), chunk=st.integers(1, 90), prefix=st.sampled_from(["/n", OLD, "/o/c"])
)
def test_large_binaries_come_out_as_small_ones(content: bytes, chunk: int, prefix: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placeholder, "_CHUNK", chunk)
        large = replace_large_binary(io.BytesIO(content), OLD, prefix, "x").read()
    assert large == replace_binary(content, OLD, prefix, "x")


@given(
    content=contents() | st.binary(max_size=400), chunk=st.integers(200, 400), prefix=st.sampled_from(["/n", OLD * 2])
)
def test_large_texts_come_out_as_small_ones(content: bytes, chunk: int, prefix: str) -> None:
    # A first line longer than a piece is not looked at: nothing runs it.
    assume(not content.startswith(b"#!") or b"\n" in content[:chunk])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placeholder, "_CHUNK", chunk)
        large = large_text(content, prefix)
    assert large == replace_text(content, OLD, prefix)


def test_many_placeholders_without_an_end_take_no_longer() -> None:
    # Quadratic, this would take minutes.
    content = OLD.encode() * 30_000
    assert replace_binary(content, OLD, "/new", "x").startswith(b"/new/new")
    assert len(replace_large_binary(io.BytesIO(content), OLD, "/new", "x").read()) == len(content)
    assert replace_text(content, OLD, "/new") == large_text(content, "/new")


FIRST_LINES = {
    "python": f"#!{OLD}/bin/python",
    "python 3": f"#!{OLD}/bin/python3",
    "python with options": f"#!{OLD}/bin/python3.12 -E -s",
    "a python of three numbers": f"#!{OLD}/bin/python3.12.1",
    "perl": f"#!{OLD}/bin/perl -w",
    "blanks": f"#!   {OLD}/bin/python",
    "a tab": f"#!{OLD}/bin/perl\t-w",
    "another prefix": "#!/bin/sh",
    "env": "#!/usr/bin/env python",
    "a long one without the prefix": "#!/bin/sh " + "x" * 130,
    "carriage return": f"#!{OLD}/bin/python\r",
    "no path": f"#! python {OLD}",
    "an escaped blank": f"#!{OLD}/my\\ bin/python",
    "127 bytes": f"#!{OLD}/bin/" + "x" * 10,
}


@pytest.mark.parametrize("prefix", [LONG_PREFIX[:115], LONG_PREFIX[:116], LONG_PREFIX, SPACED_PREFIX, "/opt/é"])
def test_first_lines_are_those_of_rattler(prefix: str, rattler: Rattler, tmp_path: Path) -> None:
    # 2 + 115 + 5 + 5 bytes are the 127 that Linux reads.
    lines = FIRST_LINES | {"no newline": "#!/bin/sh"}
    files = {name: File(f"{line}\nexec {OLD}\n".encode(), placeholder=OLD) for name, line in lines.items()}
    archive = SyntheticPackage(name="a", files=files).write(tmp_path)
    installed, _ = rattler.install([archive], prefix=prefix)
    assert differences(installed, link_archives([archive], prefix)) == []


def test_a_long_first_line_runs(tmp_path: Path) -> None:
    assert replace_text(f"#!{OLD}/bin/python -E\n".encode(), OLD, LONG_PREFIX) == (
        f"#!/bin/sh\n'''exec' \"{LONG_PREFIX}/bin/python\" -E \"$0\" \"$@\" #'''\n".encode()
    )
    assert replace_text(f"#!{OLD}/bin/perl -w\n".encode(), OLD, LONG_PREFIX) == b"#!/usr/bin/env perl -w\n"
