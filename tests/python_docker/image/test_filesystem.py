"""The merged file system: what `umoci unpack` makes of the same layers, whiteouts and links included."""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from python_docker.errors import InvalidLayer, NotFound
from python_docker.image import filesystem as filesystem_module
from python_docker.image.blob import Blob
from python_docker.image.filesystem import FileSystem
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.tar import EntryType
from tests.images import write_oci_layout
from tests.peers import Program, unpack_image
from tests.python_docker.stacks import STACKS, Member, tar_of

FILE, FOLDER, SYMLINK, HARDLINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def merged(*stack: list[Member]) -> FileSystem:
    """The file system of a stack of layers, bottom first."""
    tars = [tar_of(members) for members in stack]
    return FileSystem([Layer(Blob.from_bytes(tar, "x/y"), Digest.of(tar)) for tar in tars])


def described(filesystem: FileSystem) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for path in filesystem:
        member = filesystem.get(path)
        assert member is not None
        if member.entry.type is EntryType.SYMLINK:
            found[path] = f"-> {member.entry.link_target}"
        elif member.entry.type is EntryType.DIRECTORY:
            found[path] = "folder"
        else:
            found[path] = filesystem.read(path)
    return found


def described_on_disk(root: Path) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for path in root.rglob("*"):
        if path.is_symlink():
            content: str | bytes = f"-> {os.readlink(path)}"  # noqa: PTH115 (as it is)
        else:
            content = "folder" if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(root))] = content
    return found


@settings(max_examples=60)
@given(stack=STACKS)
def test_it_is_what_umoci_unpacks(umoci: Program, stack: list[list[Member]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_oci_layout(folder / "layout", [tar_of(members) for members in stack])
        rootless = () if os.geteuid() == 0 else ("--rootless",)
        unpack = umoci("unpack", *rootless, "--image", folder / "layout:latest", folder / "bundle", check=False)
        # It makes no folder in place of a lower layer's file, and follows no links in a circle.
        refused = ("not a directory", "too many levels of symbolic links")
        assert unpack.returncode == 0 or any(reason in unpack.stderr for reason in refused)
        assume(unpack.returncode == 0)
        assert described(merged(*stack)) == described_on_disk(folder / "bundle" / "rootfs")


def test_a_known_stack_is_what_umoci_unpacks(umoci: Program, tmp_path: Path) -> None:
    stack: list[list[Member]] = [
        [("usr", FOLDER, ""), ("usr/lib", FOLDER, ""), ("usr/lib/a", FILE, b"a"), ("lib", SYMLINK, "usr/lib")],
        [("lib/b", FILE, b"b"), ("etc", FOLDER, ""), ("etc/.wh.x", FILE, b""), ("usr/lib/.wh.a", FILE, b"")],
        [("etc/c", FILE, b"c"), ("etc/d", HARDLINK, "etc/c"), ("usr/.wh..wh..opq", FILE, b""), ("usr/e", FILE, b"e")],
    ]
    write_oci_layout(tmp_path / "layout", [tar_of(members) for members in stack])
    expected = described_on_disk(unpack_image(umoci, tmp_path / "layout", "latest", tmp_path / "bundle"))
    assert described(merged(*stack)) == expected
    assert expected == {
        "etc": "folder",
        "etc/c": b"c",
        "etc/d": b"c",
        "lib": "-> usr/lib",
        "usr": "folder",
        "usr/e": b"e",
    }


def test_a_later_layer_replaces_files_and_keeps_folders() -> None:
    filesystem = merged(
        [("a", FOLDER, ""), ("a/b", FILE, b"old"), ("a/c", FILE, b"c")], [("a", FOLDER, ""), ("a/b", FILE, b"new")]
    )
    assert described(filesystem) == {"a": "folder", "a/b": b"new", "a/c": b"c"}
    assert [filesystem.get(path).layer for path in filesystem] == [1, 1, 0]  # type: ignore[union-attr]


@pytest.mark.parametrize("other", [(FILE, b"x"), (SYMLINK, "elsewhere")])
def test_what_takes_the_place_of_a_folder_takes_all_of_it(other: tuple[bytes, str | bytes]) -> None:
    filesystem = merged([("a", FOLDER, ""), ("a/b", FOLDER, ""), ("a/b/c", FILE, b"")], [("a", *other)])
    assert list(filesystem) == ["a"]
    assert list(merged([("a", *other)], [("a", FOLDER, ""), ("a/b", FILE, b"")])) == ["a", "a/b"]


@pytest.mark.parametrize("first", [True, False])
def test_whiteouts_hide_lower_layers_only_wherever_they_stand(first: bool) -> None:
    base: list[Member] = [("a", FOLDER, ""), ("a/b", FILE, b"old"), ("a/c", FILE, b"c"), ("d", FILE, b"d")]
    own: list[Member] = [("a", FOLDER, ""), ("a/b", FILE, b"new")]
    for whiteout, expected in (
        ("a/.wh.b", {"a": "folder", "a/b": b"new", "a/c": b"c", "d": b"d"}),
        ("a/.wh..wh..opq", {"a": "folder", "a/b": b"new", "d": b"d"}),
        (".wh.a", {"a": "folder", "a/b": b"new", "d": b"d"}),
        (".wh..wh..opq", {"a": "folder", "a/b": b"new"}),
        (".wh.missing", {"a": "folder", "a/b": b"new", "a/c": b"c", "d": b"d"}),
    ):
        mark: list[Member] = [(whiteout, FILE, b"")]
        assert described(merged(base, mark + own if first else own + mark)) == expected


def test_what_was_hidden_can_come_again() -> None:
    filesystem = merged([("a", FILE, b"1")], [(".wh.a", FILE, b"")], [("a", FILE, b"2")])
    assert described(filesystem) == {"a": b"2"}


def test_leftovers_of_aufs_mean_nothing() -> None:
    leftovers: list[Member] = [(".wh..wh.plnk", FOLDER, ""), (".wh..wh.aufs", FILE, b""), (".wh..wh.orph", FOLDER, "")]
    assert list(merged([("plnk", FILE, b"")], leftovers)) == ["plnk"]


@pytest.mark.parametrize("name", [".wh.", "a/.wh..", "a/.wh..."])
def test_whiteouts_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(InvalidLayer, match="whiteout"):
        merged([(name, FILE, b"")])


def test_folders_that_no_layer_names() -> None:
    filesystem = merged([("a/b/c", FILE, b"c")])
    assert described(filesystem) == {"a": "folder", "a/b": "folder", "a/b/c": b"c"}
    assert filesystem.get("a").entry.mode == 0o755  # type: ignore[union-attr]


def test_paths_never_lead_out_of_the_root() -> None:
    filesystem = merged(
        [("../../a", FILE, b"a"), ("/b", FILE, b"b"), ("c/../../d", FILE, b"d"), (".", FOLDER, "")],
        [("up", SYMLINK, "../../..")],
        [("up/e", FILE, b"e")],
    )
    assert described(filesystem) == {"a": b"a", "b": b"b", "d": b"d", "e": b"e", "up": "-> ../../.."}
    assert filesystem.read("up/up/../a") == b"a"


def test_a_hard_link_keeps_its_content_whatever_becomes_of_its_target() -> None:
    filesystem = merged(
        [("a", FILE, b"old"), ("b", HARDLINK, "a")],
        [("a", FILE, b"new"), ("c", HARDLINK, "b")],
        [(".wh.b", FILE, b"")],
    )
    assert described(filesystem) == {"a": b"new", "c": b"old"}


def test_a_hard_link_to_nothing_has_no_content() -> None:
    with pytest.raises(NotFound, match="no file 'a'"):
        merged([("a", HARDLINK, "missing")]).read("a")


def test_of_two_entries_for_one_path_the_later_counts() -> None:
    tar = tar_of([("a", FILE, b"first"), ("a", FILE, b"second!")])
    filesystem = FileSystem([Layer(Blob.from_bytes(tar, "x/y"), Digest.of(tar))])
    assert filesystem.read("a") == b"second!"


def test_reading_follows_links() -> None:
    filesystem = merged(
        [
            ("usr/bin/sh", FILE, b"#!"),
            ("bin", SYMLINK, "usr/bin"),
            ("usr/bin/bash", SYMLINK, "sh"),
            ("usr/bin/abs", SYMLINK, "/bin/bash"),
            ("usr/bin/hard", HARDLINK, "usr/bin/sh"),
        ]
    )
    for path in ("usr/bin/sh", "/bin/sh", "bin/bash", "bin/abs", "/usr/../bin/hard", "bin//./sh"):
        assert filesystem.read(path) == b"#!"
    assert filesystem.resolve("/bin/abs") == "usr/bin/sh"
    assert filesystem.resolve("/bin/abs", follow_last=False) == "usr/bin/abs"
    assert filesystem.resolve("bin/missing/x") == "usr/bin/missing/x"
    assert ("usr/bin/sh" in filesystem, "bin/sh" in filesystem, len(filesystem)) == (True, False, 7)


def test_links_in_a_circle_are_told() -> None:
    filesystem = merged([("a", SYMLINK, "b"), ("b", SYMLINK, "a")])
    with pytest.raises(NotFound, match="circle"):
        filesystem.read("a")
    with pytest.raises(InvalidLayer, match="circle"):
        merged([("a", SYMLINK, "a")], [("a/b", FILE, b"")])


@pytest.mark.parametrize("path", ["", "/", "folder", "missing", "folder/missing", "file/below"])
def test_what_is_no_file_cannot_be_read(path: str) -> None:
    with pytest.raises(NotFound, match="no file"):
        merged([("folder", FOLDER, ""), ("file", FILE, b"")]).read(path)


def test_large_files_are_not_read_at_once() -> None:
    filesystem = merged([("a", FILE, b"12345"), ("b", HARDLINK, "a")])
    for path in ("a", "b"):
        assert filesystem.read(path, limit=5) == b"12345"
        with pytest.raises(InvalidLayer, match="has 5 bytes; at most 4"):
            filesystem.read(path, limit=4)


def test_deep_folders_need_no_deep_stack() -> None:
    deep = "/".join(["d"] * 1500)
    filesystem = merged([(f"{deep}/x", FILE, b"x")], [(".wh.d", FILE, b"")], [(f"{deep}/y", FILE, b"y")])
    assert filesystem.read(f"{deep}/y") == b"y"
    assert len(filesystem) == 1501


def test_there_is_an_end_to_how_many_files_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem_module, "_MAX_MEMBERS", 10)
    with pytest.raises(InvalidLayer, match="more than 10 files"):
        merged([(f"f{number}", FILE, b"") for number in range(11)])
