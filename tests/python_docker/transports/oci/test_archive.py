"""OCI archives: a layout in a tar, both ways."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.errors import ContentMismatch, Error, InvalidArchive, InvalidDocument, NotFound
from python_docker.spec.documents.manifest import Index
from python_docker.transports import open_source
from python_docker.transports.location import Location
from python_docker.transports.oci.archive import OciArchiveDestination
from tests.archives import COMPRESSIONS, Content, Symlink, docker_members, tar_of
from tests.images import layer_tar, write_oci_layout
from tests.python_docker.layouts import name_for_two_platforms

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 100_000})]
FILES = ["etc", "etc/greeting", "top"]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Return a layout made by hand, with one image of the tag `v1`."""
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1")
    return tmp_path / "layout"


def members_of(layout: Path, prefix: str = "") -> dict[str, Content]:
    return {
        f"{prefix}{path.relative_to(layout)}": path.read_bytes() if path.is_file() else None
        for path in sorted(layout.rglob("*"))
    }


def write(path: Path, members: dict[str, Content]) -> Path:
    path.write_bytes(tar_of(members))
    return path


class TestReading:
    @pytest.mark.parametrize("prefix", ["", "./"])
    def test_image(self, prefix: str, layout: Path, tmp_path: Path) -> None:
        path = write(tmp_path / "x.tar", members_of(layout, prefix))
        for location in (f"oci-archive:{path}", f"oci-archive:{path}:v1", f"oci-archive:{path}:@0"):
            image = open_image(location)
            assert image.digest == open_image(f"oci:{layout}").digest
            assert image.list_files() == FILES

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_compressed(self, compression: str, layout: Path, tmp_path: Path) -> None:
        path = tmp_path / "x.tar"
        path.write_bytes(COMPRESSIONS[compression](tar_of(members_of(layout))))
        assert open_image(f"oci-archive:{path}").list_files() == FILES

    def test_linked_blob(self, layout: Path, tmp_path: Path) -> None:
        members = members_of(layout)
        digest = open_image(f"oci:{layout}").layers[0].digest
        members["store"] = members[f"blobs/sha256/{digest.encoded}"]
        members[f"blobs/sha256/{digest.encoded}"] = Symlink("../../store")
        assert open_image(f"oci-archive:{write(tmp_path / 'x.tar', members)}").list_files() == FILES

    def test_no_such_name(self, layout: Path, tmp_path: Path) -> None:
        path = write(tmp_path / "x.tar", members_of(layout))
        with pytest.raises(NotFound, match=r"has no image 'v2'; there are: v1 \(@0\)"):
            open_image(f"oci-archive:{path}:v2")

    def test_docker_archive(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.tar", docker_members(LAYERS))
        with pytest.raises(InvalidArchive, match=r"it has no index.json; it looks like .* docker-archive:.*x\.tar"):
            open_image(f"oci-archive:{path}")

    def test_missing_blob(self, layout: Path, tmp_path: Path) -> None:
        members = members_of(layout)
        digest = open_image(f"oci:{layout}").layers[0].digest
        del members[f"blobs/sha256/{digest.encoded}"]
        path = write(tmp_path / "x.tar", members)
        with pytest.raises(NotFound, match=f"has no blob {digest}"):
            copy_image(f"oci-archive:{path}", f"docker-archive:{tmp_path}/y.tar")
        assert not (tmp_path / "y.tar").exists()

    def test_truncated(self, tmp_path: Path) -> None:
        layout = tmp_path / "layout"
        write_oci_layout(layout, [layer_tar({"random": os.urandom(100_000)})])
        path = write(tmp_path / "x.tar", members_of(layout))
        whole = path.read_bytes()
        for part in (0.1, 0.5, 0.8):
            path.write_bytes(whole[: int(len(whole) * part)])
            with pytest.raises((InvalidArchive, NotFound)):
                open_image(f"oci-archive:{path}")

    def test_wrong_size(self, layout: Path, tmp_path: Path) -> None:
        members = members_of(layout)
        digest = open_image(f"oci:{layout}").digest
        members[f"blobs/sha256/{digest.encoded}"] = b"{}"
        with pytest.raises(ContentMismatch, match="has 2 bytes instead of"):
            open_image(f"oci-archive:{write(tmp_path / 'x.tar', members)}")

    def test_repeated_index_json(self, layout: Path, tmp_path: Path) -> None:
        members = [*members_of(layout).items(), ("./index.json", b"{}")]
        (tmp_path / "x.tar").write_bytes(tar_of(members))
        with pytest.raises(InvalidArchive, match=r"'index.json' more than once"):
            open_image(f"oci-archive:{tmp_path}/x.tar")

    def test_malformed_index_json(self, layout: Path, tmp_path: Path) -> None:
        path = write(tmp_path / "x.tar", {**members_of(layout), "index.json": b"[" * 10_000})
        with pytest.raises(InvalidDocument, match=r"index\.json of .*x\.tar"):
            open_image(f"oci-archive:{path}")


class TestWriting:
    def test_round_trip(self, layout: Path, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}:v1", f"oci-archive:{tmp_path}/x.tar:v2")
        image = open_image(f"oci-archive:{tmp_path}/x.tar:v2")
        assert image.digest == open_image(f"oci:{layout}").digest
        assert image.list_files() == FILES
        assert sorted(os.listdir(tmp_path)) == ["layout", "x.tar"]

    def test_same_bytes_each_time(self, layout: Path, tmp_path: Path) -> None:
        for name in ("a.tar", "b.tar"):
            write_image(open_image(f"oci:{layout}"), f"oci-archive:{tmp_path}/{name}:v1")
        assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()

    def test_members(self, layout: Path, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}:v1", f"oci-archive:{tmp_path}/x.tar:v1")
        with tarfile.open(tmp_path / "x.tar") as tar:
            assert {entry.type for entry in tar} == {tarfile.REGTYPE, tarfile.DIRTYPE}
            assert {entry.mtime for entry in tar} == {0}
            names = [entry.name for entry in tar if entry.isfile()]
        assert sorted(names) == sorted(name for name, content in members_of(layout).items() if content is not None)

    def test_index(self, layout: Path, tmp_path: Path) -> None:
        name_for_two_platforms(layout)
        written = copy_image(f"oci:{layout}", f"oci-archive:{tmp_path}/x.tar", all_platforms=True)
        root = open_source(f"oci-archive:{tmp_path}/x.tar").root()
        assert isinstance(root, Index)
        assert root.digest == written.digest
        assert open_image(f"oci-archive:{tmp_path}/x.tar", platform="arm64").list_files() == FILES

    def test_replaces_an_archive(self, layout: Path, tmp_path: Path) -> None:
        (tmp_path / "x.tar").write_bytes(b"what was there")
        copy_image(f"oci:{layout}", f"oci-archive:{tmp_path}/x.tar")
        assert open_image(f"oci-archive:{tmp_path}/x.tar").list_files() == FILES

    def test_commit_of_nothing(self, tmp_path: Path) -> None:
        destination = OciArchiveDestination.open(Location("oci-archive", f"{tmp_path}/x.tar"), None)
        with pytest.raises(Error, match="was given no image"):
            destination.commit()
        destination.abort()
        assert os.listdir(tmp_path) == []
