"""Writing OCI layouts: they gain images one by one, link what they can, and are never seen half-written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker import copy_image, open_image, write_image
from python_docker.copying.copy import Conversion
from python_docker.errors import ContentMismatch, Error, InvalidArchive, InvalidDocument, InvalidReference
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.image.layer_builder import build_layer
from python_docker.progress import SILENT
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import OCI_MANIFEST
from python_docker.streams.compression import Compression
from python_docker.tar import TarEntry
from python_docker.transports import open_source
from python_docker.transports.location import Location
from python_docker.transports.oci.layout import OciLayoutDestination
from tests.archives import docker_members, tar_of
from tests.images import hello_config, layer_tar, write_oci_layout
from tests.python_docker.layouts import blob_of, edit_index

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 100_000})]
FILES = ["etc", "etc/greeting", "top"]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Return a layout made by hand, with one image of the tag `v1`."""
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1", runtime=hello_config())
    return tmp_path / "layout"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """Return an image from a docker archive."""
    (tmp_path / "source").mkdir()
    path = tmp_path / "source" / "hello.tar"
    path.write_bytes(tar_of(docker_members(LAYERS, tags=["hello:latest"])))
    return open_image(str(path))


def names(layout: Path) -> list[str]:
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    return [one.get("annotations", {}).get("org.opencontainers.image.ref.name") for one in manifests]


def check_blobs(layout: Path) -> None:
    """Every blob is what its name says, and nothing else lies about."""
    for path in (layout / "blobs").rglob("*"):
        if path.is_file():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert sorted(path.name for path in layout.iterdir()) == ["blobs", "index.json", "oci-layout"]


class TestWriting:
    def test_new_layout(self, image: Image, tmp_path: Path) -> None:
        manifest = write_image(image, f"oci:{tmp_path}/new:v1")
        check_blobs(tmp_path / "new")
        assert json.loads((tmp_path / "new/oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
        again = open_image(f"oci:{tmp_path}/new:v1")
        assert (again.digest, again.id, again.list_files()) == (manifest.digest, image.id, FILES)
        assert sorted(os.listdir(tmp_path)) == ["new", "source"]

    def test_in_new_folders(self, image: Image, tmp_path: Path) -> None:
        write_image(image, f"oci:{tmp_path}/a/b/new")
        check_blobs(tmp_path / "a/b/new")

    def test_keeps_its_name(self, image: Image, tmp_path: Path) -> None:
        write_image(image, f"oci:{tmp_path}/new")
        again = open_image(f"oci:{tmp_path}/new")
        assert (again.name, again.tag) == ("hello", "latest")
        assert names(tmp_path / "new") == ["latest"]

    def test_digest_of_an_oci_image(self, layout: Path, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/new")
        assert open_image(f"oci:{tmp_path}/new").digest == open_image(f"oci:{layout}").digest
        check_blobs(tmp_path / "new")

    def test_into_an_empty_folder(self, image: Image, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        folder.mkdir()
        inode = folder.stat().st_ino
        write_image(image, f"oci:{folder}:v1")
        check_blobs(folder)
        assert folder.stat().st_ino == inode

    def test_existing_layout_gains(self, layout: Path, image: Image) -> None:
        before = open_image(f"oci:{layout}:v1").digest
        write_image(image, f"oci:{layout}:v2")
        assert names(layout) == ["v1", "v2"]
        check_blobs(layout)
        assert open_image(f"oci:{layout}:v1").digest == before
        assert open_image(f"oci:{layout}:v2").id == image.id

    def test_same_name_is_replaced(self, layout: Path, image: Image) -> None:
        write_image(image, f"oci:{layout}:v1")
        assert names(layout) == ["v1"]
        assert open_image(f"oci:{layout}:v1").id == image.id

    def test_zstd(self, image: Image, tmp_path: Path) -> None:
        path = tmp_path / "source/hello.tar"
        copy_image(str(path), f"oci:{tmp_path}/new", conversion=Conversion(compression=Compression.ZSTD))
        again = open_image(f"oci:{tmp_path}/new")
        assert {layer.compression for layer in again.layers} == {Compression.ZSTD}
        assert again.list_files() == FILES
        check_blobs(tmp_path / "new")

    def test_all_platforms(self, layout: Path, tmp_path: Path) -> None:
        def split(index: dict[str, Any]) -> None:
            (descriptor,) = index["manifests"]
            index["manifests"] = [
                {**descriptor, "platform": {"os": "linux", "architecture": architecture}}
                for architecture in ("amd64", "arm64")
            ]

        edit_index(layout, split)
        written = copy_image(f"oci:{layout}", f"oci:{tmp_path}/new:all", all_platforms=True)
        root = open_source(f"oci:{tmp_path}/new:all").root()
        assert isinstance(root, Index)
        assert root.digest == written.digest
        check_blobs(tmp_path / "new")

    def test_docker_images_become_oci_images(self, image: Image, tmp_path: Path) -> None:
        write_image(image, f"oci:{tmp_path}/new")
        again = open_image(f"oci:{tmp_path}/new")
        assert again.manifest.media_type == OCI_MANIFEST
        assert [layer.digest for layer in again.layers] == [layer.digest for layer in image.layers]

    @pytest.mark.parametrize("name", ["@0", "a b"])
    def test_name_that_a_layout_cannot_hold(self, name: str, image: Image, tmp_path: Path) -> None:
        with pytest.raises(InvalidReference):
            write_image(image, Location("oci", f"{tmp_path}/new", name))
        assert os.listdir(tmp_path) == ["source"]


class TestLinking:
    def cached(self, folder: Path) -> tuple[BlobStore, Image]:
        """An image whose layer is in a store that is ours alone."""
        store = BlobStore(folder)
        with build_layer(store.writer()) as builder:
            builder.add(TarEntry("hello", size=50_000), os.urandom(50_000))
        image = Image("hello", "v1")
        assert builder.layer is not None
        image.add_layer(builder.layer)
        return store, image

    def test_blobs_of_our_own_stores_are_linked(self, tmp_path: Path) -> None:
        store, image = self.cached(tmp_path / "cache")
        for _ in range(2):
            write_image(image, f"oci:{tmp_path}/new:v1")
            digest_ = image.layers[0].digest
            assert blob_of(tmp_path / "new", digest_).samefile(store.path_of(digest_))
            check_blobs(tmp_path / "new")

    def test_other_layouts_are_copied(self, layout: Path, tmp_path: Path) -> None:
        # They may be written to, or be damaged already.
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/new")
        digest_ = open_image(f"oci:{layout}").layers[0].digest
        assert not blob_of(layout, digest_).samefile(blob_of(tmp_path / "new", digest_))


class TestExistingBlobs:
    def destination(self, layout: Path) -> OciLayoutDestination:
        return OciLayoutDestination.open(Location("oci", str(layout), "v2"), None)

    def test_is_not_copied_again(self, layout: Path) -> None:
        blob = open_image(f"oci:{layout}").layers[0].blob
        destination = self.destination(layout)
        assert destination.put_blob(blob, SILENT.start("", None)) == "exists"
        assert destination.put_blob(Blob.from_bytes(b"new", "x"), SILENT.start("", None)) == ""
        destination.abort()
        check_blobs(layout)

    def test_damaged_one_is_replaced(self, layout: Path, tmp_path: Path) -> None:
        copy_image(f"oci:{layout}", f"oci:{tmp_path}/copy")
        path = blob_of(layout, open_image(f"oci:{layout}").layers[0].digest)
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        copy_image(f"oci:{tmp_path}/copy", f"oci:{layout}:v2")
        assert path.read_bytes() == content
        check_blobs(layout)

    def test_progress_ends_at_the_size(self, tmp_path: Path) -> None:
        class Task:
            done = 0

            def advance(self, size: int) -> None:
                self.done += size

            def finish(self, outcome: str = "") -> None: ...

        store = BlobStore(tmp_path / "cache")
        linked, copied = store.add_bytes(b"linked", "x"), Blob.from_bytes(b"copied!", "x")
        destination = self.destination(tmp_path / "new")
        for blob in (linked, copied):
            task = Task()
            destination.put_blob(blob, task)
            assert task.done == blob.descriptor.size
        destination.abort()


class TestRefused:
    def test_folder_with_other_things(self, image: Image, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home/file").write_text("mine")
        with pytest.raises(InvalidArchive, match="the folder is not empty, and no OCI layout"):
            write_image(image, f"oci:{tmp_path}/home")
        assert os.listdir(tmp_path / "home") == ["file"]

    def test_file(self, image: Image, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(InvalidArchive, match="it is a file, not a folder"):
            write_image(image, f"oci:{tmp_path}/file")
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.parametrize(
        ("name", "content"), [("oci-layout", '{"imageLayoutVersion": "2"}'), ("index.json", "[]"), ("index.json", "{")]
    )
    def test_layout_that_is_not_understood(self, name: str, content: str, layout: Path, image: Image) -> None:
        (layout / name).write_text(content)
        with pytest.raises((InvalidArchive, InvalidDocument)):
            write_image(image, f"oci:{layout}:v2")
        assert (layout / name).read_text() == content
        check_blobs(layout)

    def test_read_only_place(self, image: Image) -> None:
        with pytest.raises(Error, match="cannot write to the OCI layout /proc/layout"):
            write_image(image, "oci:/proc/layout")


class TestAbort:
    def failing(self, image: Image) -> Image:
        layer = image.layers[0]
        image.layers[0] = layer.with_blob(Blob(layer.descriptor, lambda: io.BytesIO(b"")))
        return image

    def test_new_layout(self, image: Image, tmp_path: Path) -> None:
        with pytest.raises(ContentMismatch):
            write_image(self.failing(image), f"oci:{tmp_path}/new")
        assert os.listdir(tmp_path) == ["source"]

    def test_existing_layout(self, layout: Path, image: Image) -> None:
        before = {path: path.read_bytes() for path in layout.rglob("*") if path.is_file()}
        with pytest.raises(ContentMismatch):
            write_image(self.failing(image), f"oci:{layout}:v2")
        assert {path: path.read_bytes() for path in layout.rglob("*") if path.is_file()} == before
        check_blobs(layout)

    def test_nothing_is_seen_before_commit(self, layout: Path, tmp_path: Path) -> None:
        image = open_image(f"oci:{layout}")
        for folder in (tmp_path / "new", layout):
            before = sorted(path.name for path in (folder / "blobs").rglob("*")) if folder == layout else None
            destination = OciLayoutDestination.open(Location("oci", str(folder), "v2"), None)
            destination.put_blob(Blob.from_bytes(b"something", "x"), SILENT.start("", None))
            destination.put_manifest(image.manifest, root=True)
            after = sorted(path.name for path in (folder / "blobs").rglob("*")) if folder.exists() else None
            assert after == before
            destination.commit()
            assert names(folder)[-1] == "v2"

    def test_commit_of_nothing(self, tmp_path: Path) -> None:
        destination = OciLayoutDestination.open(Location("oci", f"{tmp_path}/new"), None)
        with pytest.raises(Error, match="no image was written to the OCI layout"):
            destination.commit()
        destination.abort()
        assert os.listdir(tmp_path) == []


class TestAtOnce:
    @pytest.fixture
    def run(self) -> Callable[[list[Callable[[], object]]], None]:
        """Return what runs calls at once, and raises the first error of any."""

        def run(calls: list[Callable[[], object]]) -> None:
            errors: list[BaseException] = []
            barrier = threading.Barrier(len(calls))

            def one(call: Callable[[], object]) -> None:
                try:
                    barrier.wait()
                    call()
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=one, args=(call,)) for call in calls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if errors:
                raise errors[0]

        return run

    def writers(self, image: Image, folder: Path, count: int) -> list[Callable[[], object]]:
        def writer(number: int) -> Callable[[], object]:
            own = image.copy()
            own.add_layer_contents({f"file{number}": os.urandom(1000)})
            return lambda: write_image(own, f"oci:{folder}:v{number}")

        return [writer(number) for number in range(count)]

    def test_new_layout(self, run: Callable[[list[Callable[[], object]]], None], image: Image, tmp_path: Path) -> None:
        for attempt in range(5):
            folder = tmp_path / f"new{attempt}"
            run(self.writers(image, folder, 6))
            assert sorted(names(folder)) == [f"v{number}" for number in range(6)]
            for number in range(6):
                assert f"file{number}" in open_image(f"oci:{folder}:v{number}").list_files()
            check_blobs(folder)

    def test_existing_layout(
        self, run: Callable[[list[Callable[[], object]]], None], image: Image, layout: Path
    ) -> None:
        run(self.writers(image, layout, 12))
        assert sorted(names(layout)) == sorted(["v1", *(f"v{n}" for n in range(12) if n != 1)])
        check_blobs(layout)
