"""`dir:` folders: as skopeo writes and reads them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.errors import ContentMismatch, Error, InvalidArchive, NotFound
from python_docker.image import Image
from python_docker.spec.documents.manifest import Index
from python_docker.transports import open_source
from tests.archives import docker_members, tar_of
from tests.images import layer_tar, write_oci_layout

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 1000})]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "hello.tar").write_bytes(tar_of(docker_members(LAYERS, tags=["hello:latest"])))
    return open_image(str(tmp_path / "hello.tar"))


def test_an_image_goes_in_and_out_unchanged(image: Image, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    written = write_image(image, f"dir:{folder}")
    assert written.digest == image.digest
    assert (folder / "version").read_text() == "Directory Transport Version: 1.1\n"
    assert (folder / "manifest.json").read_bytes() == written.raw
    blobs = {layer.digest.encoded for layer in (*written.layers, written.config)}
    assert {path.name for path in folder.iterdir()} == {"version", "manifest.json", *blobs}
    for name in blobs:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == name
    again = open_image(f"dir:{folder}")
    assert (again.digest, again.list_files()) == (image.digest, image.list_files())
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_an_index_keeps_its_children(tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1")
    root = open_source(f"oci:{tmp_path}/layout:v1").root()
    index = Index.build({"schemaVersion": 2, "manifests": [root.descriptor.to_json()]})
    (tmp_path / "layout/blobs/sha256" / index.digest.encoded).write_bytes(index.raw)
    whole = json.loads((tmp_path / "layout/index.json").read_text())
    whole["manifests"].append(index.descriptor.to_json())
    (tmp_path / "layout/index.json").write_text(json.dumps(whole))
    written = copy_image(f"oci:{tmp_path}/layout:@1", f"dir:{tmp_path}/folder", all_platforms=True)
    assert written.digest == index.digest
    assert (tmp_path / "folder" / f"{root.digest.encoded}.manifest.json").read_bytes() == root.raw
    copied = copy_image(f"dir:{tmp_path}/folder", f"oci:{tmp_path}/other", all_platforms=True)
    assert copied.digest == index.digest


def test_an_image_takes_the_place_of_another(image: Image, tmp_path: Path) -> None:
    write_image(image, f"dir:{tmp_path}/folder")
    image.add_layer_contents({"more": b"more"})
    written = write_image(image, f"dir:{tmp_path}/folder")
    assert len(list((tmp_path / "folder").iterdir())) == 2 + len(written.layers) + 1
    assert open_image(f"dir:{tmp_path}/folder").digest == written.digest


def test_a_folder_with_something_else_is_left_alone(image: Image, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/precious").write_text("work of years")
    with pytest.raises(InvalidArchive, match="holds something else"):
        write_image(image, f"dir:{tmp_path}/folder")
    assert os.listdir(tmp_path / "folder") == ["precious"]


def test_what_is_cut_short_on_its_way_leaves_the_old_image(image: Image, tmp_path: Path) -> None:
    write_image(image, f"dir:{tmp_path}/source")
    write_image(image, f"dir:{tmp_path}/folder")
    blob = tmp_path / "source" / image.layers[0].digest.encoded
    blob.write_bytes(bytes(len(blob.read_bytes())))
    with pytest.raises(ContentMismatch):
        copy_image(f"dir:{tmp_path}/source", f"dir:{tmp_path}/folder")
    assert open_image(f"dir:{tmp_path}/folder").list_files() == image.list_files()
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_what_is_missing_is_named(image: Image, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no folder"):
        open_image(f"dir:{tmp_path}/none")
    with pytest.raises(InvalidArchive, match=r"version and manifest\.json"):
        open_image(f"dir:{tmp_path}")
    write_image(image, f"dir:{tmp_path}/folder")
    (tmp_path / "folder" / image.layers[0].digest.encoded).unlink()
    with pytest.raises(NotFound, match=str(image.layers[0].digest)):
        open_image(f"dir:{tmp_path}/folder").list_files()


def test_a_manifest_that_is_no_json(image: Image, tmp_path: Path) -> None:
    write_image(image, f"dir:{tmp_path}/folder")
    (tmp_path / "folder/manifest.json").write_text("{")
    with pytest.raises(Error, match=r"manifest\.json"):
        open_image(f"dir:{tmp_path}/folder")


@pytest.mark.peer("skopeo")
def test_skopeo_reads_what_is_written_and_the_other_way_round(image: Image, tmp_path: Path) -> None:
    def skopeo(*arguments: str) -> None:
        subprocess.run(["skopeo", "--insecure-policy", "copy", *arguments], check=True, capture_output=True)

    write_image(image, f"dir:{tmp_path}/ours")
    skopeo(f"dir:{tmp_path}/ours", f"dir:{tmp_path}/theirs")
    assert open_image(f"dir:{tmp_path}/theirs").digest == image.digest
    skopeo(f"dir:{tmp_path}/ours", f"oci:{tmp_path}/layout:v1")
    assert open_image(f"oci:{tmp_path}/layout:v1").list_files() == image.list_files()
