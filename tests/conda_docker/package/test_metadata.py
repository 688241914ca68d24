"""What `info/` says of a package, as lenient as clients and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.errors import InvalidPackage
from conda_docker.package.entry_points import EntryPoint
from conda_docker.package.metadata import FileMode, PackageMetadata, PathEntry, PathType, parse_metadata

INDEX = {"name": "a", "version": "1.0", "build": "0"}


def parse(
    index: dict[str, Any] | None = None, paths: list[Any] | None = None, link: bytes | None = None, **files: bytes
) -> PackageMetadata:
    content = {"index.json": json.dumps(INDEX | (index or {})).encode()}
    if paths is not None:
        content["paths.json"] = json.dumps({"paths": paths, "paths_version": 1}).encode()
    elif "files" not in files:
        content["files"] = b""
    if link is not None:
        content["link.json"] = link
    return parse_metadata(content | files, 7, "a-1.0-0.conda")


def test_an_entry_has_defaults() -> None:
    assert parse(paths=[{"_path": "f"}]).paths == (PathEntry("f", PathType.HARDLINK, None, None, False, None, None),)


def test_an_entry_is_read() -> None:
    row = {
        "_path": "f",
        "path_type": "hardlink",
        "file_mode": "binary",
        "prefix_placeholder": "/build",
        "no_link": True,
        "sha256": "a" * 64,
        "size_in_bytes": 3,
        "unknown": 1,
    }
    assert parse(paths=[row]).paths == (
        PathEntry("f", PathType.HARDLINK, "/build", FileMode.BINARY, True, "a" * 64, 3),
    )


@pytest.mark.parametrize("mode", [None, "weird"])
def test_a_placeholder_without_a_mode_that_is_known_is_none(mode: str | None) -> None:
    (entry,) = parse(paths=[{"_path": "f", "prefix_placeholder": "/build", "file_mode": mode}]).paths
    assert (entry.placeholder, entry.file_mode) == (None, None)


def test_a_link_has_no_placeholder() -> None:
    row = {"_path": "f", "path_type": "softlink", "prefix_placeholder": "/build", "file_mode": "text"}
    assert parse(paths=[row]).paths == (PathEntry("f", PathType.SOFTLINK),)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"_path": 1},
        {"_path": "f", "path_type": "weird"},
        {"_path": "f", "path_type": []},
        {"_path": "f", "sha256": "x" * 64},
        {"_path": "f", "sha256": "aa"},
        {"_path": "f", "sha256": 1},
        {"_path": "f", "size_in_bytes": -1},
        {"_path": "f", "size_in_bytes": "1"},
        {"_path": "f", "size_in_bytes": True},
        {"_path": "f", "prefix_placeholder": 1, "file_mode": "text"},
        "f",
        None,
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(row: Any) -> None:
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0\.conda: info/paths\.json"):
        parse(paths=[row])


@pytest.mark.parametrize(
    ("path", "proved"), [("./a//b/", "a/b"), ("a/./b", "a/b"), ("..a/b..", "..a/b.."), ("...", "...")]
)
def test_paths_are_proved_to_stay_inside(path: str, proved: str) -> None:
    assert [entry.path for entry in parse(paths=[{"_path": path}]).paths] == [proved]


@pytest.mark.parametrize(
    "path", ["", ".", "/", "/a", "..", "a/..", "../a", "a/../b", "a\0b", "\0", "\ud800", "a/\udcff"]
)
def test_paths_that_may_not_be_are_refused(path: str) -> None:
    with pytest.raises(InvalidPackage, match=r"cannot be a file of a package|surrogate"):
        parse(paths=[{"_path": "good"}, {"_path": path}])


@given(st.lists(st.text(st.sampled_from("a./\0é\n"), max_size=6), min_size=1, max_size=4))
def test_the_quick_look_at_paths_misses_nothing(paths: list[str]) -> None:
    def is_plain(path: str) -> bool:
        return bool(path) and "\0" not in path and not {"", ".", ".."} & set(path.split("/"))

    try:
        found = [entry.path for entry in parse(paths=[{"_path": path} for path in paths]).paths]
    except InvalidPackage:
        assert not all(map(is_plain, paths))
        return
    assert all(map(is_plain, found))
    assert len(found) == len(paths)


def test_files_of_info_are_never_installed() -> None:
    assert parse(paths=[{"_path": "info/about.json"}, {"_path": "information"}]).paths == (PathEntry("information"),)


def test_legacy_files_are_read() -> None:
    files = b"bin/a\n\n  lib/b  \nlib/c d\nlib/e"
    has_prefix = b'bin/a\n/build text lib/b\n"/my build" binary "lib/c d"\n'
    metadata = parse(files=files, has_prefix=has_prefix, no_link=b"lib/e\n", no_softlink=b"lib/b\n")
    assert metadata.paths == (
        PathEntry("bin/a", None, "/opt/anaconda1anaconda2anaconda3", FileMode.TEXT),
        PathEntry("lib/b", None, "/build", FileMode.TEXT, True),
        PathEntry("lib/c d", None, "/my build", FileMode.BINARY),
        PathEntry("lib/e", None, no_link=True),
    )


def test_paths_json_wins_over_legacy_files() -> None:
    assert [entry.path for entry in parse(paths=[{"_path": "f"}], files=b"g").paths] == ["f"]


@pytest.mark.parametrize("line", [b"a text", b"/p weird a", b"a b c d", b"/p text a b"])
def test_has_prefix_that_cannot_be_read_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidPackage, match="has_prefix"):
        parse(files=b"a", has_prefix=line)


def test_legacy_files_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidPackage, match="info/files is not UTF-8"):
        parse(files=b"\xff")


@pytest.mark.parametrize(
    ("value", "kind"), [(None, None), (False, None), (True, "generic"), ("generic", "generic"), ("python", "python")]
)
def test_noarch_is_of_a_kind(value: Any, kind: str | None) -> None:
    assert parse({"noarch": value}).noarch == kind


@pytest.mark.parametrize("value", ["ruby", 1, []])
def test_an_unknown_noarch_is_refused(value: Any) -> None:
    with pytest.raises(InvalidPackage, match="unknown noarch"):
        parse({"noarch": value})


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [(1700000000123, 1700000000), (1400000000, 1400000000), (1400000000.9, 1400000000), (0, 0)]
    + [(value, 7) for value in (None, -1, "x", True, 1e30)],
)
def test_the_timestamp_is_in_seconds(timestamp: Any, seconds: int) -> None:
    assert parse({"timestamp": timestamp}).timestamp == seconds


def test_entry_points_are_read() -> None:
    link = json.dumps({"noarch": {"type": "python", "entry_points": ["a=b:c", " d e = f.g : h.i "]}}).encode()
    assert parse({"noarch": "python"}, paths=[{"_path": "f"}], link=link).entry_points == (
        EntryPoint("a", "b", "c"),
        EntryPoint("d e", "f.g", "h.i"),
    )
    assert parse({"noarch": "generic"}, paths=[{"_path": "f"}], link=link).entry_points == ()


def test_an_entry_point_that_cannot_be_used_is_left_out_and_named() -> None:
    link = json.dumps({"noarch": {"type": "python", "entry_points": ["../a = b:c", "d = e:f [g]"]}}).encode()
    metadata = parse({"noarch": "python"}, link=link)
    assert metadata.entry_points == (EntryPoint("d", "e", "f"),)
    assert metadata.notes == ("a: the entry point '../a = b:c' cannot be used and is left out",)


@pytest.mark.parametrize("link", [b"{", b"[]", b'{"noarch": {"entry_points": "a=b:c"}}'])
def test_link_json_that_cannot_be_read_is_refused(link: bytes) -> None:
    with pytest.raises(InvalidPackage, match=r"link\.json"):
        parse({"noarch": "python"}, link=link)


@pytest.mark.parametrize("link", [b"{}", b'{"noarch": null}', b'{"noarch": {"entry_points": null}}'])
def test_link_json_without_entry_points(link: bytes) -> None:
    assert parse({"noarch": "python"}, paths=[{"_path": "f"}], link=link).entry_points == ()


@pytest.mark.parametrize("field", ["name", "version", "build"])
@pytest.mark.parametrize("value", [None, "", 1, "a/b", "a\\b", "a\0b", "a\nb"])
def test_an_identity_that_is_no_part_of_a_file_name_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidPackage, match=f"no usable {field}"):
        parse({field: value})


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"\xff", b"[" * 100_000])
def test_documents_that_are_no_objects_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidPackage, match=r"info/index\.json is not"):
        parse_metadata({"index.json": content}, 0, "a")


def test_a_stem_is_the_file_name_without_suffix() -> None:
    assert parse().stem == "a-1.0-0"
