"""Merged files laid out in a folder, and the layer of what became of them."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from conda_docker.scripts.tree import Tree, changes, lay_out
from python_docker.errors import InvalidPath
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.tar import EntryType, TarEntry

TIME = 1_700_000_000


def layer(*entries: tuple[TarEntry, bytes]) -> Layer:
    with build_layer(None) as builder:
        for entry, content in entries:
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


def file(path: str, content: bytes = b"x", mode: int = 0o644) -> tuple[TarEntry, bytes]:
    return TarEntry(path, mode=mode, size=len(content)), content


LOWER = layer(
    (TarEntry("etc", EntryType.DIRECTORY, 0o755), b""),
    (TarEntry("root", EntryType.DIRECTORY, 0o700), b""),
    file("etc/gone"),
    file("etc/kept", b"kept"),
    file("bin/tool", b"#!", 0o4755),
    (TarEntry("bin/other", EntryType.HARDLINK, 0o755, 0, 0, "bin/tool"), b""),
    (TarEntry("lib64", EntryType.SYMLINK, 0o777, 0, 0, "usr/lib64"), b""),
)
UPPER = layer(file("etc/.wh.gone", b""), file("usr/lib64/libc.so", b"library"), file("opt/conda/f", b"f", 0o755))


def entries_of(tree: Tree) -> dict[str, TarEntry]:
    return {entry.path: entry for entry, _ in changes(tree, TIME)}


def test_files_are_as_a_container_sees_them() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        root = tree.folder
        assert not (root / "etc/gone").exists()
        assert (root / "etc/kept").read_bytes() == b"kept"
        assert (root / "usr/lib64/libc.so").read_bytes() == b"library"
        assert (root / "lib64").readlink() == Path("usr/lib64")
        assert (root / "bin/other").samefile(root / "bin/tool")
        assert (root / "bin/tool").stat().st_mode & 0o7777 == 0o755, "no set-user-ID bit"
        assert entries_of(tree) == {}
    assert not root.exists()


def test_what_is_new_changed_and_gone() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        root = tree.folder
        (root / "root/.cache").write_bytes(b"new")
        (root / "etc/kept").write_bytes(b"changed")
        (root / "bin/other").unlink()
        (root / "opt/conda/f").chmod(0o644)
        (root / "srv").mkdir(mode=0o750)
        (root / "srv/link").symlink_to("/etc/kept")
        (root / "tmp/scratch").write_bytes(b"of no use")
        os.utime(root / "etc/kept", (5_000_000_000, 5_000_000_000))
        found = {
            entry.path: (entry, b"" if isinstance(content, bytes) else content.read())
            for entry, content in changes(tree, TIME)
        }
    assert found["root/.cache"][1] == b"new"
    assert found["root"][0].mode == 0o700, "a folder on the way stays as private as it was"
    assert found["etc/kept"] == (TarEntry("etc/kept", mode=0o644, size=7, mtime=TIME), b"changed")
    assert found["bin/.wh.other"][0].size == 0
    assert found["opt/conda/f"][0].mode == 0o644
    assert found["srv/link"][0].link_target == "/etc/kept"
    assert "tmp/scratch" not in found


def test_what_was_there_keeps_its_owner() -> None:
    home = TarEntry("home/me", EntryType.DIRECTORY, 0o2750, 0, 5, uid=1000, gid=100)
    profile = TarEntry("home/me/.profile", mode=0o600, size=1, uid=1000, gid=100)
    with lay_out([layer((home, b""), (profile, b"x"), file("srv/f"))]) as tree:
        (tree.folder / "home/me/.profile").write_text("changed")
        (tree.folder / "home/me/new").write_text("new")
        found = entries_of(tree)
    owned = {path: (entry.mode, entry.uid, entry.gid) for path, entry in found.items()}
    assert owned["home/me"] == (0o2750, 1000, 100)
    assert owned["home/me/.profile"] == (0o600, 1000, 100)
    assert owned["home/me/new"][1:] == (0, 0)


def test_a_folder_that_is_gone_is_one_whiteout() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        (tree.folder / "opt/conda/f").unlink()
        (tree.folder / "opt/conda").rmdir()
        assert [path for path in entries_of(tree) if ".wh." in path] == ["opt/.wh.conda"]


def test_the_changes_make_a_layer_of_the_same_image() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        (tree.folder / "etc/kept").unlink()
        (tree.folder / "etc/new").write_bytes(b"new")
        with build_layer(None) as builder:
            for entry, content in changes(tree, TIME):
                builder.add(entry, content)
    image = Image()
    for each in (LOWER, UPPER, builder.layer):
        assert each is not None
        image.add_layer(each)
    files = image.filesystem()
    assert "etc/kept" not in files
    assert files.read("etc/new") == b"new"


def test_a_pipe_is_kept_and_a_socket_is_named() -> None:
    left_out: list[str] = []
    with lay_out([LOWER, UPPER]) as tree:
        os.mkfifo(tree.folder / "etc/pipe", 0o640)
        (tree.folder / "etc/kept").unlink()
        for path in ("etc/kept", "etc/new"):
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(f"{tree.folder}/{path}")
        found = {entry.path: entry for entry, _ in changes(tree, TIME, leave_out=left_out.append)}
    assert found["etc/pipe"] == TarEntry("etc/pipe", EntryType.FIFO, 0o640, 0, TIME)
    assert sorted(left_out) == ["etc/kept", "etc/new"]
    # What was there in its place is gone, as it is for the script.
    assert sorted(found) == ["etc", "etc/.wh.kept", "etc/pipe"]


def test_what_a_script_has_closed_is_removed_all_the_same() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        (tree.folder / "etc").chmod(0)
    assert not tree.folder.exists()


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc"])
def test_a_link_that_leads_out_is_not_followed(target: str) -> None:
    with lay_out([LOWER, layer((TarEntry("out", EntryType.SYMLINK, 0o777, 0, 0, target), b""))]) as tree:
        (tree.folder / "new").symlink_to(target)
        assert list(entries_of(tree)) == ["new"]


def test_what_a_script_closed_is_there_all_the_same() -> None:
    with lay_out([LOWER, UPPER]) as tree:
        (tree.folder / "etc/kept").write_bytes(b"changed")
        (tree.folder / "etc/kept").chmod(0)
        (tree.folder / "etc").chmod(0)
        found = entries_of(tree)
        assert (found["etc"].mode, found["etc/kept"].mode) == (0, 0)
        assert "etc/.wh.kept" not in found


def test_a_name_that_deletes_other_files_is_refused() -> None:
    with lay_out([LOWER]) as tree:
        (tree.folder / "etc/.wh.kept").touch()
        with pytest.raises(InvalidPath, match=r"'etc/\.wh\.kept': .* delete other files"):
            entries_of(tree)


def test_files_of_holes_are_not_read() -> None:
    with lay_out([LOWER]) as tree:
        with (tree.folder / "etc/big").open("wb") as big:
            big.truncate(1 << 40)
        with pytest.raises(InvalidPath, match=r"most of them in 'etc/big'"):
            entries_of(tree)


def test_what_a_killed_process_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / ".conda-docker-tree.partial-0123456789abcdef"
    (left / "opt/closed").mkdir(parents=True)
    (left / "opt/closed/file").write_bytes(b"")
    (left / "opt/closed").chmod(0)
    with lay_out([LOWER]) as tree:
        assert tree.folder.stat().st_mode & 0o777 == 0o700
        assert [path for path in tmp_path.iterdir() if path != tree.folder] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["tmp", "proc", "dev", "run"])
def test_what_a_sandbox_mounts_over_is_a_folder(place: str, tmp_path: Path) -> None:
    """A link would have it mount over something else; the image keeps its own."""
    for entry in ((TarEntry(place, EntryType.SYMLINK, 0o777, 0, 0, str(tmp_path)), b""), file(place)):
        with lay_out([layer(entry, file("etc/kept"))]) as tree:
            assert (tree.folder / place).is_dir()
            assert not (tree.folder / place).is_symlink()
            assert entries_of(tree) == {}
