"""A header's fields, GNU's long names and pax records make one entry; each wins over the one before."""

from __future__ import annotations

import pytest

from python_docker.errors import InvalidLayer
from python_docker.tar.decode import decode_entry, describe_rare, is_sparse, sparse_entry
from python_docker.tar.entry import EntryType, TarEntry
from python_docker.tar.fields import HEADER
from python_docker.tar.header import encode_header

PLAIN = TarEntry("f")


def fields(entry: TarEntry = PLAIN, **changed: bytes) -> tuple[bytes, ...]:
    """Return the fields of an entry's header, with some of them changed."""
    names = [
        "name",
        "mode",
        "uid",
        "gid",
        "size",
        "mtime",
        "checksum",
        "flag",
        "link",
        "magic",
        "major",
        "minor",
        "prefix",
    ]
    values = dict(zip(names, HEADER.unpack(encode_header(entry, entry.path)[-512:]), strict=True))
    return tuple((values | changed).values())


def decode(
    header: tuple[bytes, ...], size: int = 0, *, name: bytes | None = None, link: bytes | None = None, **pax: bytes
) -> TarEntry:
    return decode_entry(header, size, pax, name, link)


def test_a_plain_file() -> None:
    entry = TarEntry("a/b", mode=0o755, size=3, mtime=9, uid=1, gid=2)
    assert decode(fields(entry), 3) == entry


def test_the_prefix_is_part_of_the_path() -> None:
    path = "d" * 90 + "/" + "f" * 90
    assert decode(fields(TarEntry(path))).path == path


def test_gnus_own_format_has_no_prefix() -> None:
    header = fields(prefix=b"123456789012".ljust(155, b"\0"), magic=b"ustar ")
    assert decode(header).path == "f"


def test_a_record_wins_over_a_long_name_and_this_over_the_header() -> None:
    assert decode(fields(), name=b"long").path == "long"
    assert decode(fields(), name=b"long", path=b"record").path == "record"
    assert decode(fields(), name=b"long", path=b"").path == "long"


def test_records_have_larger_numbers() -> None:
    pax = {"size": b"99999999999", "uid": b"3000000", "gid": b"4000000", "mtime": b"12.7"}
    entry = decode_entry(fields(), 0, pax, None, None)
    assert (entry.size, entry.uid, entry.gid, entry.mtime) == (99999999999, 3000000, 4000000, 12)


def test_attributes() -> None:
    pax = {"SCHILY.xattr.user.a": b"\xff", "comment": b"x"}
    assert decode_entry(fields(), 0, pax, None, None).xattrs == {"user.a": b"\xff"}


def test_a_folder_of_a_tar_without_a_flag_for_folders() -> None:
    entry = decode(fields(flag=b"\0", name=b"d/".ljust(100, b"\0")))
    assert (entry.path, entry.type) == ("d", EntryType.DIRECTORY)
    with pytest.raises(InvalidLayer, match="the folder 'd/' has content"):
        decode(fields(flag=b"\0", name=b"d/".ljust(100, b"\0")), 5)


def test_a_link_has_no_content_of_its_own() -> None:
    header = fields(TarEntry("l", EntryType.HARDLINK, link_target="t"))
    assert (decode(header, 7).size, decode(header, 7).link_target) == (0, "t")


def test_a_device() -> None:
    header = fields(TarEntry("d", EntryType.BLOCK_DEVICE, device=(8, 1)))
    assert decode(header).device == (8, 1)


@pytest.mark.parametrize(
    ("header", "size", "words"),
    [
        (fields(flag=b"Z"), 0, "a member of unknown type b'Z'"),
        (fields(flag=b"S"), 0, "sparse"),
        (fields(), -1, "a negative size"),
    ],
)
def test_what_is_not_a_member(header: tuple[bytes, ...], size: int, words: str) -> None:
    with pytest.raises(InvalidLayer, match=words):
        decode(header, size)


@pytest.mark.parametrize(("path", "words"), [(b"a\0b", "a NUL in a path"), (b"x" * 5000, "a path of 5000 bytes")])
def test_paths_that_cannot_be(path: bytes, words: str) -> None:
    with pytest.raises(InvalidLayer, match=words):
        decode(fields(), name=path)


def test_a_sparse_file_has_its_name_and_size_in_records() -> None:
    pax = {"GNU.sparse.name": b"real", "GNU.sparse.realsize": b"10"}
    assert is_sparse(pax)
    found = sparse_entry(TarEntry("GNUSparseFile.1/real", size=3), b"", pax)
    assert (found.path, found.size) == ("real", 10)


def test_a_sparse_file_of_the_old_format_has_its_size_in_the_header() -> None:
    block = bytearray(512)
    block[483:495] = b"00000000012\0"
    assert sparse_entry(TarEntry("f", size=3), bytes(block), {}).size == 10


def test_what_layers_do_not_hold_is_named() -> None:
    assert [describe_rare(flag) for flag in (b"S", b"V", b"q")] == [
        "a GNU sparse file",
        "a volume label",
        "a member of type b'q'",
    ]
