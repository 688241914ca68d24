"""Strategies for members of tars, and what they are written with."""

from __future__ import annotations

import io
from collections.abc import Iterable

from hypothesis import strategies as st

from python_docker.tar import EntryType, LayerWriter, TarEntry

Content = tuple[TarEntry, bytes]

# Bytes that are not UTF-8 are surrogate escapes; names end in a digit, so that none of them is "." or "..".
_CHARACTERS = st.one_of(
    st.characters(min_codepoint=1, max_codepoint=0x2FFF, exclude_characters="/", exclude_categories=["Cs"]),
    st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
    st.sampled_from("a.-_ =\n\\'\"*"),
)


def _cut(name: str, size: int) -> str:
    return name.encode("utf-8", "surrogateescape")[:size].decode("utf-8", "surrogateescape")


NAMES = st.one_of(
    st.text(st.sampled_from("ab."), max_size=3).map(lambda name: f"{name}1"),
    st.text(_CHARACTERS, min_size=1, max_size=12).map(lambda name: f"{_cut(name, 60)}2"),
    st.integers(1, 250).map(lambda size: size * "n" + "3"),
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TARGETS = st.one_of(PATHS, PATHS.map(lambda path: f"/{path}"), st.just("../x"), st.just("."))
NUMBERS = st.one_of(st.integers(0, 5000), st.sampled_from([0o7777777, 0o7777777 + 1, 2**31, 2**32 - 2]))
TIMES = st.one_of(st.integers(0, 2_000_000_000), st.sampled_from([0, 0o77777777777, 0o77777777777 + 1, 2**40]))
XATTRS = st.dictionaries(
    st.sampled_from(["user.a", "security.capability", "user.\u00e9"]), st.binary(max_size=30), max_size=2
)


@st.composite
def layers(draw: st.DrawFn) -> list[Content]:
    """The members of a tar as they can be in a layer: each path once, folders before what is in them."""
    files: dict[str, Content] = {}
    for path in draw(st.lists(PATHS, min_size=1, max_size=6, unique=True)):
        parents = {path[:place] for place, character in enumerate(path) if character == "/"}
        if path in files or any(parent in files for parent in parents):
            continue
        if any(other.startswith(f"{path}/") for other in files):
            continue
        kind = draw(st.sampled_from([EntryType.FILE, EntryType.FILE, EntryType.SYMLINK, EntryType.HARDLINK]))
        targets = sorted(name for name, (entry, _) in files.items() if entry.type is EntryType.FILE)
        if kind is EntryType.HARDLINK and not targets:
            kind = EntryType.DIRECTORY
        content = draw(st.binary(max_size=1100)) if kind is EntryType.FILE else b""
        target = ""
        if kind is EntryType.SYMLINK:
            target = draw(TARGETS)
        elif kind is EntryType.HARDLINK:
            target = draw(st.sampled_from(targets))
        files[path] = (
            TarEntry(
                path,
                kind,
                draw(st.integers(0, 0o7777)),
                len(content),
                draw(TIMES),
                target,
                draw(NUMBERS),
                draw(NUMBERS),
                (0, 0),
                draw(XATTRS),
            ),
            content,
        )
    return list(files.values())


def write(members: Iterable[Content]) -> bytes:
    """The tar of these members as LayerWriter writes it."""
    pieces: list[bytes] = []
    with LayerWriter(pieces.append) as writer:
        for number, (entry, content) in enumerate(members):
            writer.add(entry, io.BytesIO(content) if number % 2 else content)
    tar = b"".join(pieces)
    assert writer.size == len(tar)
    return tar


def parents(members: Iterable[Content]) -> list[str]:
    """The folders that hold these members and are not among them, in no order."""
    named = {entry.path for entry, _ in members}
    return sorted(
        {entry.path[:place] for entry, _ in members for place, letter in enumerate(entry.path) if letter == "/"} - named
    )
