"""A `.conda` is a ZIP of stored members, of one version of the format."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPackage
from conda_docker.package.conda_format import open_section


def conda(folder: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_STORED, *, name: str = "a-1-0") -> Path:
    path = folder / f"{name}.conda"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def test_a_section(tmp_path: Path) -> None:
    path = conda(tmp_path, {"metadata.json": b"", "info-a-1-0.tar.zst": b"info", "pkg-a-1-0.tar.zst": b"package"})
    with open_section(path, "pkg") as stream:
        assert (stream.read(3), stream.read(), stream.read(1)) == (b"pac", b"kage", b"")


def test_a_renamed_package_has_its_first_name_inside(tmp_path: Path) -> None:
    path = conda(tmp_path, {"pkg-b-2-0.tar.zst": b"package"})
    with open_section(path, "pkg") as stream:
        assert stream.read() == b"package"


def test_of_several_that_of_its_name_is_taken(tmp_path: Path) -> None:
    path = conda(tmp_path, {"pkg-b-2-0.tar.zst": b"other", "pkg-a-1-0.tar.zst": b"own"})
    with open_section(path, "pkg") as stream:
        assert stream.read() == b"own"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"x": b""}, r"a-1-0\.conda should have one pkg-\*\.tar\.zst inside; it has none"),
        ({"pkg-b.tar.zst": b"", "pkg-c.tar.zst": b""}, "it has 2 of them"),
        ({"metadata.json": json.dumps({"conda_pkg_format_version": 3}).encode()}, "in version 3 of the .conda format"),
    ],
)
def test_what_is_not_a_package(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    with pytest.raises(InvalidPackage, match=words):
        open_section(conda(tmp_path, members), "pkg")


def test_members_that_zip_compresses(tmp_path: Path) -> None:
    path = conda(tmp_path, {"pkg-a-1-0.tar.zst": b"x" * 100}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InvalidPackage, match="compressed or encrypted by ZIP"):
        open_section(path, "pkg")


def test_what_is_damaged(tmp_path: Path) -> None:
    path = conda(tmp_path, {"pkg-a-1-0.tar.zst": b"package"})
    path.write_bytes(b"XX" + path.read_bytes()[2:])
    with pytest.raises(InvalidPackage, match="is not where the ZIP's directory says"):
        open_section(path, "pkg")
    path.write_bytes(b"nothing")
    with pytest.raises(InvalidPackage, match=r"a-1-0\.conda is damaged"):
        open_section(path, "pkg")
