"""Files of this machine as layers: where they go, and what they are there."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from python_docker.errors import InvalidPath, NotFound
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.tar import EntryType, TarEntry
from tests.images import layer_tar
from tests.python_docker.making import Made
from tests.python_docker.stacks import tar_of


@pytest.fixture(autouse=True)
def _no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bit of everything, which is the current one."""
    folder = tmp_path / "tree"
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"a")
    (folder / "sub" / "b.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "sub" / "b.sh").chmod(0o4755)
    (folder / "sub" / "link").symlink_to("..//./a.txt")
    (folder / "sub" / "dangling").symlink_to("/nowhere")
    os.utime(folder / "a.txt", (5, 1_600_000_000.75))
    monkeypatch.chdir(folder)
    return folder


def files(layer: Layer) -> dict[str, tuple[TarEntry, bytes]]:
    return {entry.path: (entry, content.read()) for entry, content in layer.entries()}


ALL = ["a.txt", "sub", "sub/b.sh", "sub/dangling", "sub/empty", "sub/link"]


@pytest.mark.parametrize(
    ("path", "arcpath", "expected"),
    [
        ("./", None, ALL),
        (".", None, ALL),
        (".", "/", ALL),
        ("", "/", ALL),
        ("sub/..", "./", ALL),
        (".", "/opt/app/", ["opt", "opt/app", *[f"opt/app/{path}" for path in ALL]]),
        ("sub", None, ALL[1:]),
        ("sub", "x", ["x", "x/b.sh", "x/dangling", "x/empty", "x/link"]),
        ("sub", "/", ["b.sh", "dangling", "empty", "link"]),
        ("a.txt", None, ["a.txt"]),
        ("a.txt", "/q/z", ["q", "q/z"]),
        ("a.txt", "/", ["a.txt"]),
        ("sub/link", None, ["sub", "sub/link"]),
    ],
)
def test_where_files_go(tree: Path, path: str, arcpath: str | None, expected: list[str]) -> None:
    layer = Image().add_layer_path(Path(path) if path == "a.txt" else path, arcpath)
    assert sorted(layer.list_files()) == expected


def test_an_absolute_path_keeps_its_place(tree: Path) -> None:
    layer = Image().add_layer_path(tree / "sub")
    inside = str(tree / "sub").lstrip("/")
    assert f"{inside}/b.sh" in layer.list_files()
    assert set(layer.list_files()) >= {str(parent) for parent in PurePosixPath(inside).parents} - {"."}


def test_what_they_are_there(tree: Path) -> None:
    found = files(Image().add_layer_path("."))
    entry, content = found["a.txt"]
    assert (entry.type, entry.mode, entry.mtime, entry.uid, entry.gid, content) == (
        EntryType.FILE,
        stat.S_IMODE((tree / "a.txt").stat().st_mode),
        1_600_000_000,
        0,
        0,
        b"a",
    )
    assert found["sub/b.sh"][0].mode == 0o4755
    assert found["sub/empty"][0].type is EntryType.DIRECTORY
    assert found["sub/link"][0].link_target == "..//./a.txt"
    assert found["sub/dangling"][0].type is EntryType.SYMLINK


def test_times_are_clamped_to_the_epoch(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    image = Image()
    image.add_layer_path("a.txt", "x/a")
    image.add_layer_contents({"y/b": b""})
    assert {entry.mtime for layer in image.layers for entry, _ in layer.entries()} == {1000}


def test_without_recursion_only_the_folder_itself(tree: Path) -> None:
    assert Image().add_layer_path("sub", recursive=False).list_files() == ["sub"]
    assert Image().add_layer_path(".", recursive=False).list_files() == []


def test_several_paths_are_each_alone_unless_told_otherwise(tree: Path) -> None:
    paths: dict[str | os.PathLike[str], str] = {"a.txt": "/o/a", tree / "sub": "/o/sub"}
    assert sorted(Image().add_layer_paths(paths).list_files()) == ["o", "o/a", "o/sub"]
    whole = Image().add_layer_paths(list(paths.items()), recursive=True).list_files()
    assert sorted(whole) == ["o", "o/a", "o/sub", *[f"o/{path}" for path in ALL[2:]]]


def test_the_later_of_two_files_for_one_path_counts(tree: Path) -> None:
    layer = Image().add_layer_paths([("a.txt", "x"), ("sub/b.sh", "/x")])
    assert files(layer)["x"][1] == b"#!/bin/sh\n"


def test_files_with_several_names_stay_one_file(tree: Path) -> None:
    os.link("a.txt", "sub/z.txt")
    found = files(Image().add_layer_path("."))
    assert (found["sub/z.txt"][0].type, found["sub/z.txt"][0].link_target) == (EntryType.HARDLINK, "a.txt")
    alone = files(Image().add_layer_path("sub"))
    assert (alone["sub/z.txt"][0].type, alone["sub/z.txt"][1]) == (EntryType.FILE, b"a")


def test_pipes_go_along_and_sockets_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        found = files(Image().add_layer_path("."))
    assert {path: entry.type for path, (entry, _) in found.items()} == {"pipe": EntryType.FIFO}


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no '.*missing' to add"):
        Image().add_layer_path(tmp_path / "missing")


def test_an_unreadable_file_leaves_the_image_as_it_was(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def refuse(path: Path, *arguments: object, **options: object) -> object:
        if path.name == "b.sh":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    image = Image()
    with pytest.raises(PermissionError):
        image.add_layer_path(".")
    assert image.layers == []


# -- filters -----------------------------------------------------------------------------------------------------------


def test_a_filter_sees_paths_in_the_image_and_leaves_out_what_it_likes(tree: Path) -> None:
    seen: list[tuple[str, bytes, int]] = []

    def only_scripts(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        seen.append((info.name, info.type, info.size))
        return None if info.name.endswith((".txt", "link", "dangling")) else info

    layer = Image().add_layer_path(".", "/srv", filter=only_scripts)
    assert layer.list_files() == ["srv", "srv/sub", "srv/sub/b.sh", "srv/sub/empty"]
    assert [name for name, _, _ in seen] == ["srv", *[f"srv/{path}" for path in ALL]]
    assert seen[1] == ("srv/a.txt", tarfile.REGTYPE, 1)


def test_a_folder_that_is_left_out_is_not_looked_into(tree: Path) -> None:
    seen: list[str] = []

    def no_folders(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        seen.append(info.name)
        return None if info.isdir() else info

    assert Image().add_layer_path(".", filter=no_folders).list_files() == ["a.txt"]
    assert seen == ["a.txt", "sub"]


def test_a_filter_can_change_what_it_is_given(tree: Path) -> None:
    def change(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.name = f"moved/{info.name}"
        info.mode, info.uid, info.gid, info.mtime, info.size = 0o600, 7, 8, 99.5, 12345
        return info

    image = Image()
    image.add_layer_path("a.txt", filter=change)
    image.add_layer_contents({"b.txt": b"bb"}, filter=change)
    for layer, path, content in zip(image.layers, ("moved/b.txt", "moved/a.txt"), (b"bb", b"a"), strict=True):
        entry, found = files(layer)[path]
        assert (entry.mode, entry.uid, entry.gid, entry.mtime, found) == (0o600, 7, 8, 99, content)


def test_a_filter_cannot_place_files_outside(tree: Path) -> None:
    def outside(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.name = "../../etc/passwd"
        return info

    with pytest.raises(InvalidPath):
        Image().add_layer_path("a.txt", filter=outside)


def test_a_filter_cannot_make_devices(tree: Path) -> None:
    def device(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.type = tarfile.BLKTYPE
        return info

    with pytest.raises(InvalidPath, match="type that cannot be added"):
        Image().add_layer_path("a.txt", filter=device)


# -- contents ----------------------------------------------------------------------------------------------------------


def test_contents_in_memory() -> None:
    layer = Image().add_layer_contents({"/z": b"z", "this/is/a/test": b"test", "empty": b""})
    found = files(layer)
    assert list(found) == ["empty", "this", "this/is", "this/is/a", "this/is/a/test", "z"]
    entry, content = found["this/is/a/test"]
    assert (content, entry.mode, entry.mtime, entry.uid) == (b"test", 0o644, 0, 0)


@pytest.mark.parametrize("path", ["", "/", "..", "a/../../b", "a\0b"])
def test_contents_without_a_place_are_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        Image().add_layer_contents({path: b""})


def test_contents_below_a_file_are_refused() -> None:
    with pytest.raises(InvalidPath, match="is below 'a'"):
        Image().add_layer_contents({"a": b"", "a/b": b""})


def test_the_order_of_the_dictionary_does_not_matter() -> None:
    one = Image().add_layer_contents({"a": b"1", "b/c": b"2", "b-d": b"3"})
    other = Image().add_layer_contents({"b-d": b"3", "/b/c": b"2", "./a": b"1"})
    assert one.digest == other.digest


# -- where folders are links -------------------------------------------------------------------------------------------

MERGED_USR = tar_of(
    [
        ("usr", tarfile.DIRTYPE, ""),
        ("usr/lib", tarfile.DIRTYPE, ""),
        ("usr/bin", tarfile.DIRTYPE, ""),
        ("usr/lib/ld.so", tarfile.REGTYPE, b"loader"),
        ("lib", tarfile.SYMTYPE, "usr/lib"),
        ("bin", tarfile.SYMTYPE, "/usr/bin"),
        ("run", tarfile.DIRTYPE, ""),
        ("var", tarfile.DIRTYPE, ""),
        ("var/run", tarfile.SYMTYPE, "/run"),
    ]
)


def test_files_in_folders_that_are_links_go_where_these_lead() -> None:
    image = Made([MERGED_USR]).image()
    layer = image.add_layer_contents({"/lib/own.so": b"", "bin/tool": b"", "/var/run/app/pid": b"", "opt/x": b""})
    assert [path for path in layer.list_files() if not path.endswith(("usr", "opt"))] == [
        "opt/x",
        "run",
        "run/app",
        "run/app/pid",
        "usr/bin",
        "usr/bin/tool",
        "usr/lib",
        "usr/lib/own.so",
    ]
    assert image.filesystem().read("lib/ld.so") == b"loader"
    assert image.filesystem().read("lib/own.so") == b""


def test_folders_do_not_take_the_place_of_links(tmp_path: Path) -> None:
    (tmp_path / "lib" / "sub").mkdir(parents=True)
    (tmp_path / "lib" / "sub").chmod(0o750)
    (tmp_path / "lib").chmod(0o700)
    (tmp_path / "lib" / "sub" / "own.so").write_bytes(b"own")
    image = Made([MERGED_USR]).image()
    found = files(image.add_layer_path(tmp_path, "/"))
    assert {path: oct(entry.mode) for path, (entry, _) in found.items() if entry.type is EntryType.DIRECTORY} == {
        "usr": "0o755",
        "usr/lib": "0o755",
        "usr/lib/sub": "0o750",
    }
    assert image.filesystem().read("lib/ld.so") == b"loader"
    assert image.filesystem().read("lib/sub/own.so") == b"own"


def test_folders_stay_where_they_are_folders_below_too() -> None:
    image = Made([layer_tar({"lib/ld.so": b"loader"})]).image()
    assert image.add_layer_contents({"/lib/own.so": b""}).list_files() == ["lib", "lib/own.so"]
    assert Image().add_layer_contents({"/lib/own.so": b""}).list_files() == ["lib", "lib/own.so"]


def test_the_layers_below_are_read_only_where_links_are_to_be_expected() -> None:
    made = Made([MERGED_USR])
    made.blobs[made.root().layers[0].digest] = b"damaged"  # type: ignore[union-attr]
    image = made.image()
    image.add_layer_contents({"opt/x": b"", "srv/y": b""})
    with pytest.raises(Exception, match="blob"):
        image.add_layer_contents({"lib/x": b""})


@pytest.mark.parametrize("name", [".wh.passwd", ".wh..wh..opq", ".wh.folder/file"])
def test_names_that_delete_other_files_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "app" / name).parent.mkdir(parents=True)
    (tmp_path / "app" / name).write_bytes(b"")
    with pytest.raises(InvalidPath, match=r"\.wh\..* cannot be added"):
        Image("hello").add_layer_path(tmp_path / "app", "/srv/app")
