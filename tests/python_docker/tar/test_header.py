"""Headers are ustar's, with pax records for what that cannot hold; what no tar can hold is refused."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidPath
from python_docker.tar.entry import EntryType, TarEntry
from python_docker.tar.header import byte_sum, encode_header


@given(st.binary(max_size=512))
def test_the_sum_of_bytes(data: bytes) -> None:
    assert byte_sum(data) == sum(data)


def read_back(entry: TarEntry) -> tarfile.TarInfo:
    blocks = encode_header(entry, entry.path)
    assert len(blocks) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(blocks + bytes(1024)), mode="r:") as tar:
        [member] = tar.getmembers()
    return member


def test_most_files_need_one_block() -> None:
    entry = TarEntry("a/b", mode=0o755, mtime=7, uid=1, gid=2)
    member = read_back(entry)
    assert (member.name, member.mode, member.mtime, member.uid, member.gid) == ("a/b", 0o755, 7, 1, 2)
    assert len(encode_header(entry, "a/b")) == 512


@pytest.mark.parametrize(
    ("path", "blocks"),
    [("d" * 90 + "/" + "f" * 90, 1), ("d" * 90 + "/" + "f" * 120, 3), ("é", 3), ("n" * 101, 3)],
    ids=["split at a slash", "too long a name", "not ASCII", "nothing to split at"],
)
def test_a_path_goes_where_there_is_room(path: str, blocks: int) -> None:
    assert len(encode_header(TarEntry(path), path)) == blocks * 512
    assert read_back(TarEntry(path)).name == path


def test_large_numbers_go_into_records() -> None:
    entry = TarEntry("f", mtime=1 << 40, uid=1 << 30, gid=1 << 31)
    member = read_back(entry)
    assert (member.mtime, member.uid, member.gid) == (1 << 40, 1 << 30, 1 << 31)


def test_times_before_1970() -> None:
    assert read_back(TarEntry("f", mtime=-5)).mtime == 0


def test_attributes_are_in_order() -> None:
    entry = TarEntry("f", xattrs={"user.b": b"\0\xff", "user.a": b"1"})
    records = read_back(entry).pax_headers
    assert [key for key in records if key.startswith("SCHILY")] == ["SCHILY.xattr.user.a", "SCHILY.xattr.user.b"]


def test_a_long_target_of_a_link() -> None:
    entry = TarEntry("l", EntryType.SYMLINK, link_target="t" * 200)
    assert read_back(entry).linkname == "t" * 200


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (TarEntry("a\0b"), "may not hold a NUL"),
        (TarEntry("\ud800"), "cannot be written as bytes"),
        (TarEntry("n" * 256), "a name in a path has 256 bytes"),
        (TarEntry("/".join(["d"] * 2100)), "a path of 4199 bytes"),
        (TarEntry("l", EntryType.SYMLINK), "has no target"),
        (TarEntry("l", EntryType.SYMLINK, link_target="t" * 5000), "a target of 5000 bytes"),
        (TarEntry("f", xattrs={"user.a=b": b""}), "may not hold '='"),
        (TarEntry("f", xattrs={"user.a": b"x" * (2 << 20)}), "the attributes of 'f' have"),
    ],
)
def test_what_cannot_be_written(entry: TarEntry, words: str) -> None:
    with pytest.raises(InvalidPath, match=words):
        encode_header(entry, entry.path)


@pytest.mark.parametrize(
    "entry",
    [TarEntry("f", uid=-1), TarEntry("f", size=-1), TarEntry("d", EntryType.CHARACTER_DEVICE, device=(1 << 30, 0))],
)
def test_numbers_that_no_tar_can_hold(entry: TarEntry) -> None:
    with pytest.raises(ValueError, match="a number that no tar can hold"):
        encode_header(entry, entry.path)
