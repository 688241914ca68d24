"""Files of users are read whatever their encoding, and hostile ones end in one error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker import user_files as input_text
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import parse_yaml, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file"
    path.write_bytes("naïve: ✓\n".encode(encoding))
    assert read_text(path) == "naïve: ✓\n"


@pytest.mark.parametrize("content", [b"\xff\xfea", b"\x80\x81", b"a\0b", b"\xff"])
def test_what_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidEnvironment, match="not a text file"):
        read_text(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"cannot read .*: No such file"):
        read_text(tmp_path / "missing")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="cannot read"):
        read_text(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidEnvironment, match="not a regular file"):
        read_text(tmp_path / "pipe")


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(InvalidEnvironment, match="cannot read"):
        read_text(Path("a\0b"))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_text, "_LARGEST", 10)
    (tmp_path / "file").write_bytes(bytes(11))
    with pytest.raises(InvalidEnvironment, match="no list of packages is that large"):
        read_text(tmp_path / "file")


def merge_bomb(levels: int) -> str:
    merged = (f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}\n" for level in range(1, levels))
    return "a0: &a0 {k: v}\n" + "".join(merged)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 400,
        "a: !!python/object/apply:os.system [true]",
        "a: 1\na: 2",
        "a: 'b",
        "{",
        "a: " + "9" * 5000,
        "*unknown",
        "a: 2020-99-99",
        merge_bomb(12),
        "a: 1\n---\nb: 2",
        "x" * ((1 << 20) + 1),
    ],
    ids=["deep", "object", "twice", "quote", "brace", "number", "alias", "date", "bomb", "documents", "large"],
)
def test_yaml_that_is_refused(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"^the file "):
        parse_yaml(text, "the file")


def test_a_bomb_of_aliases_takes_no_memory() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert parse_yaml(text, "the file")["a1"] == [["x"]] * 9


@given(st.text(alphabet="ab:-[]{}&*!<>|?,'\"#% \n\t~\\0", max_size=60))
def test_any_text_is_a_value_or_an_error(text: str) -> None:
    try:
        parse_yaml(text, "the file")
    except InvalidEnvironment:
        return


def test_messages_hold_no_credentials() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        parse_yaml("channels: ['https://me:s3cret@host/c\n", "the file")
    assert "s3cret" not in str(caught.value)
