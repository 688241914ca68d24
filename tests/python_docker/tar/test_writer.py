"""LayerWriter: what it writes is what everybody reads, and always the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_docker.errors import InvalidPath
from python_docker.tar import EntryType, LayerWriter, TarEntry, TarReader
from tests.python_docker.tar.entries import Content, layers, parents, write
from tests.python_docker.tar.gnu import gnu_tar

_TYPES = {
    EntryType.FILE: tarfile.REGTYPE,
    EntryType.DIRECTORY: tarfile.DIRTYPE,
    EntryType.SYMLINK: tarfile.SYMTYPE,
    EntryType.HARDLINK: tarfile.LNKTYPE,
}


def file(path: str, content: bytes = b"", **fields: object) -> Content:
    return TarEntry(path, size=len(content), **fields), content  # type: ignore[arg-type]


@given(layers())
def test_what_is_written_is_read(members: list[Content]) -> None:
    read = [(entry, content.read()) for entry, content in TarReader(io.BytesIO(write(members)))]
    implied = set(parents(members))
    assert [(entry, content) for entry, content in read if entry.path not in implied] == members
    folders = {entry.path: (entry.type, entry.mode) for entry, _ in read if entry.path in implied}
    assert folders == dict.fromkeys(implied, (EntryType.DIRECTORY, 0o755))


@given(layers())
def test_the_standard_library_reads_the_same(members: list[Content]) -> None:
    with tarfile.open(fileobj=io.BytesIO(write(members)), errors="surrogateescape") as tar:
        found = {info.name: info for info in tar}
        assert set(found) == {entry.path for entry, _ in members} | set(parents(members))
        for entry, content in members:
            info = found[entry.path]
            assert (info.type, info.mode, info.uid, info.gid) == (_TYPES[entry.type], entry.mode, entry.uid, entry.gid)
            assert (info.mtime, info.linkname, info.uname, info.gname) == (entry.mtime, entry.link_target, "", "")
            if entry.type is EntryType.FILE:
                stream = tar.extractfile(info)
                assert stream is not None
                assert stream.read() == content


@settings(max_examples=25)
@given(members=layers())
def test_gnu_tar_unpacks_the_same(members: list[Content]) -> None:
    # What this machine's file system and user can hold.
    members = [
        (entry._replace(uid=0, gid=0, mode=entry.mode | 0o700, mtime=entry.mtime % 2**31), content)
        for entry, content in members
    ]
    with tempfile.TemporaryDirectory() as folder:
        gnu_tar("-x", "-p", "-P", "--delay-directory-restore", "-f", "-", "-C", folder, stdin=write(members))
        for entry, content in members:
            path = Path(folder, entry.path)
            status = path.lstat()
            if entry.type is EntryType.SYMLINK:
                assert os.readlink(path) == entry.link_target  # noqa: PTH115 (as it is)
            elif entry.type is EntryType.HARDLINK:
                assert path.samefile(Path(folder, entry.link_target))
            else:
                assert path.is_dir() is (entry.type is EntryType.DIRECTORY)
                assert stat.S_IMODE(status.st_mode) == entry.mode
                assert int(status.st_mtime) == entry.mtime
                assert entry.type is EntryType.DIRECTORY or path.read_bytes() == content


def name_of(length: int) -> str:
    """A path cut into folders of 50 characters, so that ustar's cut falls on every place."""
    return "".join("/" if place % 51 == 50 and place < length - 1 else "x" for place in range(length))


@pytest.mark.parametrize("length", range(1, 401))
def test_names_of_every_length(length: int) -> None:
    path = name_of(length)
    members = [file(path, b"abc"), (TarEntry(f"{path}.link", EntryType.HARDLINK, link_target=path), b"")]
    tar = write(members)
    assert [(e, c.read()) for e, c in TarReader(io.BytesIO(tar))][-2:] == members
    with tarfile.open(fileobj=io.BytesIO(tar)) as read:
        assert read.getmember(path).size == 3
        assert read.getmember(f"{path}.link").linkname == path


def test_gnu_tar_lists_names_of_every_length() -> None:
    names = [f"{length}/{name_of(length)}" for length in range(1, 401)]
    listed = gnu_tar("-t", "-f", "-", stdin=write([file(name) for name in names])).decode()
    assert [name for name in listed.splitlines() if not name.endswith("/")] == names


@pytest.mark.parametrize("size", [0o77777777777, 0o77777777777 + 1, 1 << 40, 1 << 62])
def test_large_sizes_are_in_the_header(size: int) -> None:
    pieces: list[bytes] = []
    writer = LayerWriter(pieces.append)
    with pytest.raises(OSError, match="became shorter"):
        writer.add(TarEntry("huge", size=size), io.BytesIO())
    writer.close()
    entry, _ = next(iter(TarReader(io.BytesIO(b"".join(pieces)))))
    assert entry.size == size
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        info = tar.next()
        assert info is not None
        assert info.size == size


def test_times_before_1970_become_1970() -> None:
    tar = write([file("old", mtime=-1), file("older", mtime=-(2**40))])
    assert [entry.mtime for entry, _ in TarReader(io.BytesIO(tar))] == [0, 0]


def test_the_bytes_are_part_of_the_layer_format() -> None:
    # Other bytes here mean another digest of every layer: raise the layer format's version.
    tar = write(
        [
            file("opt/conda/bin/python", b"\x7fELF", mode=0o755, mtime=1_700_000_000),
            file("opt/conda/" + 100 * "d" + "/" + 100 * "f", b"long", mtime=1),
            file("opt/conda/" + 200 * "g", b"longer"),
            file("opt/conda/\u00e9t\u00e9", b"summer"),
            file("opt/conda/\udcff", b"not UTF-8"),
            (TarEntry("opt/conda/bin/python3", EntryType.SYMLINK, 0o777, link_target="python"), b""),
            (TarEntry("opt/conda/bin/python4", EntryType.HARDLINK, link_target="opt/conda/bin/python"), b""),
            (TarEntry("dev/null", EntryType.CHARACTER_DEVICE, 0o666, device=(1, 3)), b""),
            (TarEntry("run/pipe", EntryType.FIFO), b""),
            file("tmp/x", b"", uid=2**31, gid=5, mtime=2**40, xattrs={"user.b": b"\0\xff", "user.a": b"="}),
        ]
    )
    assert len(tar) % 512 == 0
    assert hashlib.sha256(tar).hexdigest() == "a4ec3d59e4966c8d51b63a2a573153dadfd6e9cef77c7f072a1104b98c96ab1a"


def test_parents_are_written_once_before_what_is_in_them() -> None:
    tar = write([file("a/b/c"), file("a/b/d"), file("a/e"), (TarEntry("a", EntryType.DIRECTORY, 0o700), b"")])
    read = [(entry.path, entry.type, oct(entry.mode)) for entry, _ in TarReader(io.BytesIO(tar))]
    assert read == [
        ("a", EntryType.DIRECTORY, "0o755"),
        ("a/b", EntryType.DIRECTORY, "0o755"),
        ("a/b/c", EntryType.FILE, "0o644"),
        ("a/b/d", EntryType.FILE, "0o644"),
        ("a/e", EntryType.FILE, "0o644"),
    ]


def test_parents_have_the_modes_and_times_they_are_given() -> None:
    pieces: list[bytes] = []
    with LayerWriter(pieces.append, parent_mtime=7, parent_modes={"srv": 0o750}) as writer:
        for path in ("tmp/a", "var/tmp/a", "root/a", "srv/a", "home/tmp/a"):
            writer.add(*file(path))
    modes = {entry.path: entry.mode for entry, _ in TarReader(io.BytesIO(b"".join(pieces)))}
    assert (modes["tmp"], modes["var"], modes["var/tmp"], modes["root"]) == (0o1777, 0o755, 0o1777, 0o700)
    assert (modes["srv"], modes["home"], modes["home/tmp"]) == (0o750, 0o755, 0o755)
    times = {entry.mtime for entry, _ in TarReader(io.BytesIO(b"".join(pieces))) if entry.type is EntryType.DIRECTORY}
    assert times == {7}


def test_a_deep_path_needs_no_deep_stack() -> None:
    path = "/".join(["d"] * 2000)
    tar = write([file(path)])
    assert tar.count(b"ustar") >= 2000


DIRECTORY = EntryType.DIRECTORY
SYMLINK = EntryType.SYMLINK
HARDLINK = EntryType.HARDLINK


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([file("a"), file("a")], "'a' twice"),
        ([file("a"), file("./a/")], "'a' twice"),
        ([file("a"), (TarEntry("a", DIRECTORY), b"")], "'a' twice"),
        ([file("a/b"), file("a")], "'a' twice"),
        ([file("a"), file("a/b")], "'a/b' is below 'a'"),
        ([(TarEntry("a", SYMLINK, link_target="b"), b""), file("a/b/c")], "'a/b/c' is below 'a'"),
        ([(TarEntry("a", HARDLINK, link_target="b"), b"")], "before its target 'b'"),
        ([(TarEntry("a", HARDLINK, link_target="a"), b"")], "before its target 'a'"),
        ([(TarEntry("d", DIRECTORY), b""), (TarEntry("a", HARDLINK, link_target="d"), b"")], "which is a directory"),
        ([(TarEntry("a", HARDLINK, link_target="../b"), b"")], "'..'"),
        ([file("../a")], "'..'"),
        ([file("")], "below the root"),
        ([file("a\0b")], "NUL"),
        ([(TarEntry("a", SYMLINK, link_target="b\0c"), b"")], "NUL"),
        ([(TarEntry("a", SYMLINK), b"")], "no target"),
        ([file("a\ud800")], "cannot be written"),
        ([file("a", xattrs={"user.a=b": b""})], "'='"),
    ],
)
def test_what_no_layer_may_hold_is_refused(members: list[Content], message: str) -> None:
    with pytest.raises(InvalidPath, match=message):
        write(members)


@pytest.mark.parametrize(
    "fields",
    [{"uid": -1}, {"gid": -1}, {"size": -1}, {"device": (1 << 22, 0)}, {"device": (0, -1)}],
)
def test_numbers_that_no_tar_can_hold_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no tar can hold"):
        LayerWriter(print).add(TarEntry("a", **fields), b"")  # type: ignore[arg-type]


def test_what_is_refused_is_not_written() -> None:
    pieces: list[bytes] = []
    with LayerWriter(pieces.append) as writer:
        writer.add(*file("a"))
        for path in ("a", "a/b", "x\ud800/y", "../b"):
            with pytest.raises(InvalidPath):
                writer.add(*file(path))
    assert b"".join(pieces) == write([file("a")])


@pytest.mark.parametrize("content", [b"", b"ab", b"abcd"])
def test_content_must_be_as_long_as_promised(content: bytes) -> None:
    with pytest.raises(ValueError, match="bytes of content, 3 in its entry"):
        LayerWriter(print).add(TarEntry("a", size=3), content)


def test_a_file_that_grows_is_cut() -> None:
    pieces: list[bytes] = []
    with LayerWriter(pieces.append) as writer:
        writer.add(TarEntry("a", size=3), io.BytesIO(b"abcdef"))
    assert b"".join(pieces) == write([file("a", b"abc")])


def test_only_files_have_content_and_sizes() -> None:
    tar = write([(TarEntry("d", DIRECTORY, size=700), b"x"), (TarEntry("l", SYMLINK, size=9, link_target="d"), b"x")])
    assert len(tar) == 4 * 512


@settings(max_examples=20)
@given(st.lists(st.integers(0, 400_000), max_size=8))
def test_pieces_are_large_whatever_the_files_are(sizes: list[int]) -> None:
    pieces: list[bytes] = []
    with LayerWriter(pieces.append) as writer:
        for number, size in enumerate(sizes):
            writer.add(*file(str(number), bytes(size)))
    small = [piece for piece in pieces if len(piece) < 128 << 10]
    assert len(small) <= len([size for size in sizes if size >= 128 << 10]) + 1
    assert sum(map(len, pieces)) == writer.size == 1024 + sum(512 + size + -size % 512 for size in sizes)


def test_without_blocks_large_content_is_handed_on_as_it_was_read() -> None:
    content = bytes(range(256)) * 512
    written: dict[bool, list[bytes]] = {}
    for in_blocks in (True, False):
        pieces = written[in_blocks] = []
        with LayerWriter(pieces.append, in_blocks=in_blocks) as layer:
            layer.add(TarEntry("small", size=3), b"abc")
            layer.add(TarEntry("large", size=len(content)), content)
            layer.add(TarEntry("streamed", size=len(content)), io.BytesIO(content))
            assert layer.size > 2 * len(content)
    assert b"".join(written[False]) == b"".join(written[True])
    assert any(piece is content for piece in written[False])


def test_it_knows_what_it_holds() -> None:
    with LayerWriter(lambda data: None) as writer:
        writer.add(*file("a/b"))
        assert "a" in writer
        assert "a/b" in writer
        assert "b" not in writer


def test_an_error_ends_no_archive(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    with pytest.raises(KeyError), LayerWriter(pieces.append) as writer:
        writer.add(*file("a"))
        raise KeyError
    assert pieces == []


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (TarEntry("a/" + 256 * "b"), "a name in a path has 256 bytes; at most 255"),
        (TarEntry(128 * "\u00e9"), "a name in a path has 256 bytes"),
        (TarEntry("a/" * 2500 + "b"), "a path of 5001 bytes; at most 4096"),
        (TarEntry("link", EntryType.SYMLINK, link_target=5000 * "a"), "a target of 5000 bytes; at most 4096"),
        (TarEntry("file", xattrs={"user.a": bytes(1 << 20)}), "the attributes of 'file' have"),
    ],
    ids=["name", "name in UTF-8", "path", "target", "attributes"],
)
def test_what_would_be_refused_when_it_is_read_is_not_written(entry: TarEntry, text: str) -> None:
    with pytest.raises(InvalidPath, match=text):
        LayerWriter(lambda data: None).add(entry)


def test_the_longest_that_is_read_is_written() -> None:
    name, path = 255 * "a", "/".join(["b" * 200] * 20)
    tar = write([(TarEntry(name), b""), (TarEntry(f"{path}/{75 * 'c'}"), b"")])
    assert [entry.path for entry, _ in TarReader(io.BytesIO(tar))][-1] == f"{path}/{75 * 'c'}"
