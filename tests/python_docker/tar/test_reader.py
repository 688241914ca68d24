"""TarReader: what other programs write is read as they mean it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidLayer
from python_docker.streams.stream import ReadStream
from python_docker.tar import EntryType, TarEntry, TarReader
from tests.python_docker.tar.by_hand import header, pax
from tests.python_docker.tar.entries import Content, layers, write
from tests.python_docker.tar.gnu import gnu_tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


class Pipe(ReadStream):
    """A stream that cannot seek and gives at most `most` bytes at a time."""

    def __init__(self, content: bytes, most: int = 1 << 30) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        return self._content.read(self._most if size is None or size < 0 else min(size, self._most))


def read(stream: BinaryIO) -> list[Content]:
    return [(entry, content.read()) for entry, content in TarReader(stream)]


def stdlib_tar(members: list[Content], tar_format: int) -> bytes:
    buffer = io.BytesIO()
    flags = {kind: kind.value for kind in EntryType}
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format, errors="surrogateescape") as tar:
        for entry, content in members:
            info = tarfile.TarInfo(entry.path)
            info.type, info.mode, info.size, info.mtime = flags[entry.type], entry.mode, entry.size, entry.mtime
            info.linkname, info.uid, info.gid = entry.link_target, entry.uid, entry.gid
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@given(members=layers())
def test_what_the_standard_library_writes_is_read(tar_format: int, members: list[Content]) -> None:
    members = [(entry._replace(xattrs={}), content) for entry, content in members]
    assert read(io.BytesIO(stdlib_tar(members, tar_format))) == members


@given(layers(), st.integers(1, 3000))
def test_streams_that_cannot_seek_give_the_same(members: list[Content], most: int) -> None:
    tar = write(members)
    assert read(Pipe(tar, most)) == read(io.BytesIO(tar))


@given(layers(), st.lists(st.integers(0, 1500), min_size=1, max_size=5), st.booleans())
def test_content_need_not_be_read_to_its_end(members: list[Content], sizes: list[int], pipe: bool) -> None:
    tar = write(members)
    stream = Pipe(tar, 700) if pipe else io.BytesIO(tar)
    whole = read(io.BytesIO(tar))
    for number, (entry, content) in enumerate(TarReader(stream)):
        size = sizes[number % len(sizes)]
        assert entry == whole[number][0]
        assert content.read(size) == whole[number][1][:size]


@pytest.mark.parametrize("pipe", [False, True])
def test_the_content_of_a_member_can_be_read_after_the_loop_was_left(pipe: bool) -> None:
    tar = write([(TarEntry("a", size=3), b"abc"), (TarEntry("b", size=3), b"def"), (TarEntry("c", size=1), b"g")])
    found: BinaryIO = io.BytesIO()
    for entry, content in TarReader(Pipe(tar) if pipe else io.BytesIO(tar)):
        found = content
        if entry.path == "b":
            break
    assert found.read() == b"def"
    assert found.read() == b""


@pytest.mark.parametrize("pipe", [False, True])
def test_the_stream_is_left_open(pipe: bool) -> None:
    stream = Pipe(write([])) if pipe else io.BytesIO(write([]))
    assert list(TarReader(stream)) == []
    assert not stream.closed


@given(layers())
def test_the_offset_is_where_the_content_is(members: list[Content]) -> None:
    tar = write(members)
    reader = TarReader(io.BytesIO(tar))
    for entry, content in reader:
        assert tar[reader.offset : reader.offset + entry.size] == content.read()


@pytest.mark.parametrize("tar_format", FORMATS)
@pytest.mark.parametrize("length", [1, 99, 100, 101, 154, 155, 156, 200, 255, 256, 257, 400])
def test_long_names_and_links_of_every_format(tar_format: int, length: int) -> None:
    path = "/".join(["x" * 49] * (length // 50 + 1))[:length].rstrip("/")
    members = [(TarEntry(path, size=1), b"a"), (TarEntry("l", EntryType.SYMLINK, link_target=path), b"")]
    try:
        tar = stdlib_tar(members, tar_format)
    except ValueError:
        assert tar_format == tarfile.USTAR_FORMAT  # "name is too long"
        assert length > 100
        return
    assert read(io.BytesIO(tar)) == members


@pytest.mark.parametrize(
    "content", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data)), Pipe], ids=["bytes", "buffered", "pipe"]
)
def test_an_empty_file_and_one_without_end_blocks_are_tars(content: type[io.BytesIO]) -> None:
    assert read(content(b"")) == []
    members = [(TarEntry("a", size=3), b"abc")]
    assert read(content(write(members)[:-1024])) == members


def test_what_follows_the_end_is_not_read() -> None:
    assert read(io.BytesIO(write([]) + write([(TarEntry("a"), b"")]))) == []


def entry_of(block: bytes) -> TarEntry:
    return next(iter(TarReader(io.BytesIO(block))))[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000644\0", 0o644),
        (b"0000644 ", 0o644),
        (b"   644 \0", 0o644),
        (b"644\0junk", 0o644),
        (b"\0\0\0\0\0\0\0\0", 0),
        (b"        ", 0),
        (b"00000644", 0o644),
        (b"\x80\0\0\0\0\0\x01\x00", 256),
    ],
)
def test_numbers_as_tars_of_all_ages_write_them(field: bytes, value: int) -> None:
    assert entry_of(header(uid=field)).uid == value


def test_numbers_in_base_256() -> None:
    size = 9 << 30
    block = header(size=b"\x80" + size.to_bytes(11, "big"), mtime=b"\xff" + (-86400).to_bytes(11, "big", signed=True))
    entry = entry_of(block)
    assert (entry.size, entry.mtime) == (size, -86400)


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("time", [-1, -1.5, -(2**33), 0, 1.75, 2**33, 2**40 + 0.5])
def test_times_before_1970_and_after_2242_and_fractions(tar_format: Literal[1, 2], time: float) -> None:
    info = tarfile.TarInfo("old")
    info.mtime = time
    entry = entry_of(info.tobuf(format=tar_format, errors="surrogateescape"))
    assert entry.mtime == int(time)


def test_old_tars_have_no_flags() -> None:
    assert entry_of(header(name=b"file", flag=b"\0")).type is EntryType.FILE
    folder = entry_of(header(name=b"folder/", flag=b"\0"))
    assert (folder.path, folder.type) == ("folder", EntryType.DIRECTORY)


def test_a_file_whose_name_ends_in_a_slash_is_a_file_with_content() -> None:
    tar = header(name=b"x/", size=b"00000000003") + b"abc".ljust(512, b"\0") + header(name=b"y")
    assert [(entry.path, entry.type, content) for entry, content in read(io.BytesIO(tar))] == [
        ("x", EntryType.FILE, b"abc"),
        ("y", EntryType.FILE, b""),
    ]


def test_signed_checksums_of_old_systems_are_read() -> None:
    block = bytearray(header(name="\u00e9t\u00e9".encode()))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(byte - 256 if byte > 127 else byte for byte in block)
    assert entry_of(bytes(block)).path == "\u00e9t\u00e9"


def test_only_ustar_has_a_prefix() -> None:
    assert entry_of(header(magic=b"ustar\x0000", prefix=b"some/folder")).path == "some/folder/x"
    assert entry_of(header(magic=b"ustar  \0", prefix=b"12345670")).path == "x"


def test_a_link_has_no_content_whatever_its_size_says() -> None:
    for flag in (b"1", b"2", b"3", b"4", b"5", b"6"):
        tar = header(flag=flag, link=b"y", size=b"00000000777") + header(name=b"next")
        assert [entry.path for entry, _ in read(io.BytesIO(tar))] == ["x", "next"]


def test_devices() -> None:
    entry = entry_of(header(flag=b"3", major=b"0000001\0", minor=b"0000003\0"))
    assert (entry.type, entry.device) == (EntryType.CHARACTER_DEVICE, (1, 3))


def test_global_headers_hold_for_all_that_follow() -> None:
    tar = pax(b"g", uid=b"7", mtime=b"99") + header(name=b"a") + pax(uid=b"8") + header(name=b"b") + header(name=b"c")
    assert [(entry.path, entry.uid, entry.mtime) for entry, _ in read(io.BytesIO(tar))] == [
        ("a", 7, 99),
        ("b", 8, 99),
        ("c", 7, 99),
    ]


@pytest.mark.parametrize(
    "time", [b"1e5", b"+5", b" 5 ", b"nan", b"yesterday", b"5,5", b".5", b"0x5", b"9223372036854775808"]
)
def test_times_that_are_not_numbers(time: bytes) -> None:
    tar = pax(mtime=time, uid=b"me", gid=b"7") + header(mtime=b"00000000017\0", uid=b"0000005\0")
    with pytest.raises(InvalidLayer, match=r"damaged tar: a (time|user ID) is"):
        entry_of(tar)
    [(entry, _)] = TarReader(io.BytesIO(tar), times_and_owners=False)
    assert (entry.mtime, entry.uid, entry.gid) == (15, 5, 7)


@pytest.mark.parametrize("field", [b"abcdefghijk\0", b"00000000009\0", b"\x80" + b"\xff" * 11])
def test_times_of_headers_that_are_not_numbers(field: bytes) -> None:
    with pytest.raises(InvalidLayer, match="damaged tar: a time is"):
        entry_of(header(mtime=field))
    [(entry, _)] = TarReader(io.BytesIO(header(mtime=field, uid=b"0000005\0")), times_and_owners=False)
    assert (entry.mtime, entry.uid) == (0, 5)


def test_what_else_is_wrong_with_a_header_is_an_error_in_any_case() -> None:
    for tar in (header(mode=b"9999999\0"), pax(mtime=b"x", size=b"x") + header(), header(mtime=b"x", flag=b"Z")):
        with pytest.raises(InvalidLayer):
            list(TarReader(io.BytesIO(tar), times_and_owners=False))


def test_an_empty_record_says_nothing() -> None:
    entry = entry_of(pax(path=b"", linkpath=b"", uid=b"", mtime=b"", size=b"") + header(uid=b"0000007\0"))
    assert (entry.path, entry.uid) == ("x", 7)


def test_attributes_are_bytes() -> None:
    records = {"SCHILY.xattr.security.capability": b"\x01\0\0\x02\xff=\n", "SCHILY.xattr.user.empty": b""}
    entry = entry_of(pax(**records) + header())
    assert entry.xattrs == {"security.capability": b"\x01\0\0\x02\xff=\n", "user.empty": b""}


@pytest.mark.parametrize("tar_format", ["gnu", "oldgnu", "posix", "ustar", "v7"])
def test_what_gnu_tar_writes_is_read(tmp_path: Path, tar_format: str) -> None:
    (tmp_path / "folder" / "empty").mkdir(parents=True)
    (tmp_path / "folder" / "file").write_bytes(b"content")
    (tmp_path / "folder" / "file").chmod(0o754)
    os.utime(tmp_path / "folder" / "file", (5, 1_600_000_000))
    os.link(tmp_path / "folder" / "file", tmp_path / "folder" / "twin")
    (tmp_path / "link").symlink_to("folder//./file")
    long = "n" * 90
    (tmp_path / long).write_bytes(b"")
    tar = gnu_tar("-c", "-f", "-", f"--format={tar_format}", "-C", str(tmp_path), ".")
    members = {entry.path: (entry, content) for entry, content in read(io.BytesIO(tar))}
    assert set(members) == {".", "./folder", "./folder/empty", "./folder/file", "./folder/twin", "./link", f"./{long}"}
    entry, content = members["./folder/file"]
    assert (entry.mode, entry.mtime, entry.size, content) == (0o754, 1_600_000_000, 7, b"content")
    assert (members["./folder/twin"][0].type, members["./folder/twin"][0].link_target) == (
        EntryType.HARDLINK,
        "./folder/file",
    )
    assert members["./link"][0].link_target == "folder//./file"


@pytest.mark.parametrize("tar_format", ["gnu", "oldgnu", "posix"])
def test_odd_names_and_times_that_gnu_tar_writes_are_read(tmp_path: Path, tar_format: str) -> None:
    names = ["\udcff\udcfe", "\u00e9", "a b\n", "d" * 200 + "/" + "f" * 200]
    (tmp_path / ("d" * 200)).mkdir()
    for name in names:
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, -86400))
    (tmp_path / "link").symlink_to("t" * 300)
    tar = gnu_tar("-c", "-f", "-", f"--format={tar_format}", "-C", str(tmp_path), ".")
    members = {entry.path: entry for entry, _ in read(io.BytesIO(tar))}
    for name in names:
        assert members[f"./{name}"].mtime == -86400
    assert members["./link"].link_target == "t" * 300


def test_gnu_s_sparse_files_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.seek(10 << 20)
        file.write(b"end")
    for tar_format in ("gnu", "posix"):
        tar = gnu_tar("-c", "-f", "-", "--sparse", f"--format={tar_format}", "-C", str(tmp_path), ".")
        with pytest.raises(InvalidLayer, match="sparse"):
            read(io.BytesIO(tar))


@pytest.mark.parametrize("open_stream", [io.BytesIO, Pipe])
@pytest.mark.parametrize("version", ["gnu", "0.0", "0.1", "1.0"])
def test_sparse_files_can_be_passed_over(
    tmp_path: Path, version: str, open_stream: Callable[[bytes], BinaryIO]
) -> None:
    with (tmp_path / "holes").open("wb") as file:
        # More parts than a header has room for.
        for place in range(60):
            file.seek(place << 20)
            file.write(b"x" * 4096)
    (tmp_path / "next").write_bytes(b"content")
    options = ["--format=gnu"] if version == "gnu" else ["--format=posix", f"--sparse-version={version}"]
    options += ["--sparse", "--sort=name", "-C", str(tmp_path), "holes", "next"]
    reader = TarReader(open_stream(gnu_tar("-c", "-f", "-", *options)), lenient=True)
    members = iter(reader)
    entry, content = next(members)
    assert (entry.path, entry.size) == ("holes", (59 << 20) + 4096)
    with pytest.raises(InvalidLayer, match="a GNU sparse file, cannot be read"):
        content.read()
    entry, content = next(members)
    assert (entry.path, content.read()) == ("next", b"content")
    assert next(members, None) is None
    assert reader.rare == {"a GNU sparse file": "holes"}


def test_volume_labels_and_members_of_unknown_types_can_be_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    tar = gnu_tar("-c", "-f", "-", "-V", "a label", "--format=gnu", "-C", str(tmp_path), "file")
    with pytest.raises(InvalidLayer, match="unknown type b'V'"):
        read(io.BytesIO(tar))
    entry = tarfile.TarInfo("odd")
    entry.type, entry.size = b"Z", 700
    tar = entry.tobuf() + bytes(1024) + tar
    reader = TarReader(io.BytesIO(tar), lenient=True)
    assert [(entry.path, content.read()) for entry, content in reader] == [("file", b"content")]
    assert reader.rare == {"a member of type b'Z'": "odd", "a volume label": "a label"}
