"""Files of users are read whatever their encoding, and hostile ones end in one error."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from conda_docker import user_files as input_text
from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import check_streams, is_stream, read_named, read_once, read_stream, read_text


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
    with pytest.raises(InvalidEnvironment, match="it is a folder; name the file in it"):
        read_text(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidEnvironment, match="not a regular file"):
        read_text(tmp_path / "pipe")


def test_what_a_shell_substitutes_is_read_to_its_end() -> None:
    read, write = os.pipe()
    os.write(write, b"content")
    os.close(write)
    try:
        assert read_named(Path(f"/dev/fd/{read}"), 7) == b"content"
    finally:
        os.close(read)
    with pytest.raises(OSError, match="larger than 6 bytes"):
        read_named(Path(__file__), 6)


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(InvalidEnvironment, match="cannot read"):
        read_text(Path("a\0b"))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_text, "_LARGEST", 10)
    (tmp_path / "file").write_bytes(bytes(11))
    with pytest.raises(InvalidEnvironment, match="no list of packages is that large"):
        read_text(tmp_path / "file")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("naïve\n".encode("utf-16"))))
    assert read_stream(Path("-")) == "naïve\n"


def test_standard_input_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_text, "_LARGEST", 10)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(11))))
    with pytest.raises(InvalidEnvironment, match="no list of packages is that large"):
        read_stream(Path("-"))


def test_a_pipe_of_the_shell() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"@EXPLICIT\n")
    os.close(writing)
    path = Path(f"/dev/fd/{reading}")
    assert is_stream(path)
    assert read_stream(path) == "@EXPLICIT\n"
    os.close(reading)


def test_a_stream_that_is_given_twice() -> None:
    check_streams([Path("-"), Path("/dev/fd/63"), Path("/dev/fd/62"), Path("file"), Path("file")])
    with pytest.raises(InvalidEnvironment, match="standard input is given twice"):
        check_streams([Path("-"), Path("/dev/stdin")])
    with pytest.raises(InvalidEnvironment, match="file descriptor 63 is given twice"):
        check_streams([Path("/dev/fd/63"), Path("/proc/self/fd/63")])


def test_a_descriptor_that_is_closed() -> None:
    with pytest.raises(InvalidEnvironment, match="cannot read /dev/fd/999"):
        read_stream(Path("/dev/fd/999"))


def test_files_and_streams_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("first")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    with read_once() as texts:
        assert (read_text(file), read_stream(Path("-"))) == ("first", "piped")
        file.write_text("second")
        assert (read_text(file), read_stream(Path("-"))) == ("first", "piped")
    assert texts == {str(file): "first", "standard input": "piped"}
    assert (read_text(file), read_stream(Path("-"))) == ("second", "")
