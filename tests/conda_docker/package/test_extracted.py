"""A package gives the same layer whether it is read from its archive or from a client's cache of extracted packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from conda_docker.package.extracted import path_order
from python_docker.tar import EntryType
from tests.conda_docker.kinds import KINDS, LONG, TEXT
from tests.conda_docker.oracle import Rattler, link, locked, read_layer
from tests.conda_docker.packages import File, Folder, HardLink, Symlink, SyntheticPackage

PREFIX = Prefix("/opt/conda", "3.12")

# What an extracted folder does not tell: the order in which members came, and which of several had the name.
NOT_IN_ORDER = {"a member that comes again", "a member that comes again as a link", "hard link to an unlisted file"}
NOT_IN_ORDER |= {"members written through a link"}
# Where the files are not what the manifest says: by mistake, or since rattler wrote an entry point into its cache.
CHANGED = {
    "a wrong sha256 and size",
    "a link listed as a file",
    "a sha256 in capitals",
    "a path that is listed twice",
    "entry point over a file",
}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def in_order(package: SyntheticPackage) -> SyntheticPackage:
    """The package with its members sorted, as rattler-build writes it."""
    return replace(package, files=dict(sorted(package.files.items(), key=lambda item: path_order(item[0]))))


EVERYTHING = in_order(
    SyntheticPackage(
        name="a",
        timestamp=1700000000000,
        files={
            "bin/a": File(TEXT, mode=0o775, placeholder=LONG),
            "bin/b": HardLink("bin/a", mode=0o775, placeholder=LONG),
            "empty": Folder(listed=True),
            "lib/c": File(b"c", mode=0o600, mtime=1234567890),
            "lib/d": HardLink("lib/c", mode=0o600, mtime=1234567890),
            "lib64": Symlink("lib", mtime=1234567890),
        },
    )
)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - NOT_IN_ORDER - CHANGED))
def test_the_layer_of_a_sorted_archive_is_that_of_the_folder_rattler_extracted(
    kind: str, suffix: str, rattler: Rattler, tmp_path: Path
) -> None:
    archives = [in_order(package).write(tmp_path, suffix) for package in KINDS[kind]]
    _, cache = rattler.install(archives)
    for archive in archives:
        folder, record = open_package(cache / archive.name.removesuffix(suffix)), locked(archive)
        assert link(folder, record, PREFIX) == link(open_package(archive), record, PREFIX)


@pytest.mark.parametrize("kind", sorted(CHANGED))
def test_a_folder_whose_files_are_not_what_its_manifest_says_is_refused(
    kind: str, rattler: Rattler, tmp_path: Path
) -> None:
    archive = [package.write(tmp_path) for package in KINDS[kind]][-1]
    _, cache = rattler.install([package.write(tmp_path) for package in KINDS[kind]])
    with pytest.raises(InvalidPackage, match=archive.name.removesuffix(".conda")):
        link(open_package(cache / archive.name.removesuffix(".conda")), locked(archive), PREFIX)


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_the_umask_and_the_client_that_extracted_do_not_matter(mask: int, tmp_path: Path) -> None:
    archive = EVERYTHING.write(tmp_path)
    with umask(mask):
        folder = EVERYTHING.extract(tmp_path / "cache")
    # conda does not keep the times of links.
    os.utime(folder / "lib64", (1, 1), follow_symlinks=False)
    assert link(open_package(folder), locked(archive)) == link(open_package(archive), locked(archive))


def test_both_archive_formats_give_the_same_files(tmp_path: Path) -> None:
    record = locked(EVERYTHING.write(tmp_path))
    conda, bzip2 = (link(open_package(EVERYTHING.write(tmp_path, suffix)), record) for suffix in (".conda", ".tar.bz2"))
    assert conda == bzip2


def test_an_archive_is_told_from_a_folder(tmp_path: Path) -> None:
    assert open_package(EVERYTHING.write(tmp_path)).is_archive
    assert not open_package(EVERYTHING.extract(tmp_path)).is_archive


def test_what_is_in_no_manifest_is_left_alone(tmp_path: Path) -> None:
    folder = SyntheticPackage(name="a", files={"f": "f"}).extract(tmp_path)
    (folder / "__pycache__").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "info" / "repodata_record.json").write_text("{}")
    assert [entry.path for entry, _ in open_package(folder).entries()] == ["f"]


@pytest.mark.parametrize("content", [b"edited in an environment", b"", b"F"])
def test_a_file_that_was_edited_is_refused(content: bytes, tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"f": "f"})
    folder = package.extract(tmp_path)
    (folder / "f").write_bytes(content)
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0"):
        link(open_package(folder), locked(package.write(tmp_path)))


def test_a_large_file_that_was_edited_is_refused(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"f": bytes(20 << 20)})
    folder = package.extract(tmp_path)
    with (folder / "f").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"x")
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0"):
        link(open_package(folder), locked(package.write(tmp_path)))


def test_a_file_that_was_removed_is_missed(tmp_path: Path) -> None:
    package = SyntheticPackage(name="a", files={"f": "f", "d/g": "g"})
    folder = package.extract(tmp_path)
    (folder / "d" / "g").unlink()
    (folder / "d").rmdir()
    with pytest.raises(InvalidPackage, match="lists 'd/g', which is not in it"):
        link(open_package(folder), locked(package.write(tmp_path)))


def test_a_file_that_became_a_pipe_is_refused(tmp_path: Path) -> None:
    folder = SyntheticPackage(name="a", files={"f": "f"}).extract(tmp_path)
    (folder / "f").unlink()
    os.mkfifo(folder / "f")
    with pytest.raises(InvalidPackage, match="neither a file nor a link nor a folder"):
        list(open_package(folder).entries())


def test_a_file_that_became_a_link_or_a_folder_is_refused(tmp_path: Path) -> None:
    folder = SyntheticPackage(name="a", files={"f": "f", "g": "g"}).extract(tmp_path)
    (folder / "f").unlink()
    (folder / "f").symlink_to(folder / "g")
    with pytest.raises(InvalidPackage, match="a link or a folder instead of a file"):
        list(open_package(folder).entries())
    (folder / "f").unlink()
    (folder / "f").mkdir()
    with pytest.raises(InvalidPackage, match="a link or a folder instead of a file"):
        list(open_package(folder).entries())


def test_a_file_that_became_another_one_of_the_package_is_refused(tmp_path: Path) -> None:
    folder = SyntheticPackage(name="a", files={"f": "f", "g": "g"}).extract(tmp_path)
    (folder / "g").unlink()
    (folder / "g").hardlink_to(folder / "f")
    with pytest.raises(InvalidPackage, match=r"a-1\.0-0/g has become the same file as f"):
        list(open_package(folder).entries())


def test_a_folder_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    folder = SyntheticPackage(name="a", files={"d/key": "k"}).extract(tmp_path)
    (folder / "d" / "key").unlink()
    (folder / "d").rmdir()
    (folder / "d").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidPackage, match="out of the package"):
        list(open_package(folder).entries())


def test_two_packages_that_share_an_inode_are_not_linked(tmp_path: Path) -> None:
    folder = SyntheticPackage(name="a", files={"f": "f"}).extract(tmp_path)
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "f").hardlink_to(folder / "f")
    assert [entry.type for entry, _ in open_package(folder).entries()] == [EntryType.FILE]


def test_a_folder_without_metadata_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage, match=r"it has no info/index\.json"):
        open_package(tmp_path)


def test_the_layer_has_the_files(tmp_path: Path) -> None:
    tree = read_layer(link(open_package(EVERYTHING.extract(tmp_path)), locked(EVERYTHING.write(tmp_path))))
    assert tree["lib64"].target == "lib"
    assert tree["bin/b"].content == TEXT.replace(LONG.encode(), b"/opt/conda")
    assert tree["empty"].type is EntryType.DIRECTORY


def test_paths_are_sorted_by_their_parts() -> None:
    assert sorted(["a.b", "a-b/c", "a/b", "a", "A"], key=path_order) == ["A", "a", "a/b", "a-b/c", "a.b"]
