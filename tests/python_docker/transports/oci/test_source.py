"""Reading OCI layouts: all that the specification allows, and clear words about the rest."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from python_docker import copy_image, open_image
from python_docker.errors import ContentMismatch, InvalidArchive, InvalidDocument, NotFound, PlatformNotFound
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import OCI_INDEX, OCI_MANIFEST
from python_docker.spec.platform import Platform
from python_docker.transports import open_source
from tests.images import digest, hello_config, layer_tar, write_oci_layout
from tests.python_docker.layouts import blob_of, edit_index, put

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 100_000})]
FILES = ["etc", "etc/greeting", "top"]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """Return a layout made by hand, with one image of the tag `v1`."""
    write_oci_layout(tmp_path / "layout", LAYERS, tag="v1", runtime=hello_config())
    return tmp_path / "layout"


class TestReading:
    def test_by_tag(self, layout: Path) -> None:
        image = open_image(f"oci:{layout}:v1")
        assert image.list_files() == FILES
        assert image.manifest.media_type == OCI_MANIFEST
        assert (image.name, image.tag) == ("", None)

    def test_only_image(self, layout: Path) -> None:
        assert (
            open_image(f"oci:{layout}").digest
            == open_image(str(layout)).digest
            == open_image(f"oci:{layout}:@0").digest
        )

    def test_full_name(self, layout: Path) -> None:
        full = {"io.containerd.image.name": "docker.io/library/hello:v1"}
        edit_index(layout, lambda index: index["manifests"][0]["annotations"].update(full))
        image = open_image(f"oci:{layout}:hello:v1")
        assert (image.name, image.tag) == ("hello", "v1")

    def test_without_oci_layout_file(self, layout: Path) -> None:
        (layout / "oci-layout").unlink()
        assert open_image(f"oci:{layout}").list_files() == FILES

    def test_other_version(self, layout: Path) -> None:
        (layout / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
        with pytest.raises(InvalidArchive, match=r"version '2.0.0'; only 1.0.0"):
            open_image(f"oci:{layout}")

    def test_unknown_files_and_descriptors(self, layout: Path) -> None:
        (layout / "manifest.json").write_text("[]")
        (layout / "blobs/sha256/unfinished.tmp").write_text("")
        edit_index(layout, lambda index: index["manifests"].insert(0, put(layout, b"x", "application/vnd.example")))
        assert open_image(f"oci:{layout}").list_files() == FILES

    def test_index_of_platforms(self, layout: Path) -> None:
        def nest(index: dict[str, Any]) -> None:
            (descriptor,) = index["manifests"]
            del descriptor["annotations"]
            here = {**descriptor, "platform": {"os": "linux", "architecture": Platform.host().architecture}}
            other = {**descriptor, "digest": digest(b"absent"), "platform": {"os": "linux", "architecture": "wasm"}}
            inner = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [other, here]}
            outer = {"schemaVersion": 2, "manifests": [put(layout, json.dumps(inner).encode(), OCI_INDEX)]}
            index["manifests"] = [put(layout, json.dumps(outer).encode(), OCI_INDEX)]

        edit_index(layout, nest)
        assert isinstance(open_source(f"oci:{layout}").root(), Index)
        # The platform of an outer descriptor is not known, so it is looked into.
        assert open_image(f"oci:{layout}").list_files() == FILES

    def test_platforms_side_by_side(self, layout: Path) -> None:
        def split(index: dict[str, Any]) -> None:
            (descriptor,) = index["manifests"]
            index["manifests"] = [
                {**descriptor, "platform": {"os": "linux", "architecture": architecture}}
                for architecture in ("amd64", "arm64", "riscv64")
            ]

        edit_index(layout, split)
        assert open_image(f"oci:{layout}", platform="linux/riscv64").list_files() == FILES
        with pytest.raises(PlatformNotFound):
            open_image(f"oci:{layout}", platform="linux/s390x")

    def test_embedded_config(self, layout: Path) -> None:
        image = open_image(f"oci:{layout}")
        config = image.config_blob.read()
        blob_of(layout, image.id).unlink()

        def embed(content: bytes) -> None:
            value = image.manifest.value()
            value["config"]["data"] = base64.b64encode(content).decode()
            root = put(layout, json.dumps(value).encode(), OCI_MANIFEST)
            edit_index(layout, lambda index: index.update(manifests=[root]))

        embed(config)
        assert open_image(f"oci:{layout}").id == image.id
        embed(config.replace(b"linux", b"minix"))
        with pytest.raises(ContentMismatch):
            open_image(f"oci:{layout}")


class TestDamage:
    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="there is no folder"):
            open_image(f"oci:{tmp_path}/absent")

    def test_file(self, tmp_path: Path) -> None:
        (tmp_path / "x.tar").write_bytes(b"")
        with pytest.raises(
            InvalidArchive, match=r"is a file, not a folder; write oci-archive:.*x.tar or docker-archive:"
        ):
            open_image(f"oci:{tmp_path}/x.tar")

    def test_no_layout(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArchive, match=r"it has no index.json"):
            open_image(f"oci:{tmp_path}")

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{}", b"[" * 10_000, b'{"a":' * 10_000, b" " * (5 << 20), b'{"schemaVersion": 2}']
    )
    def test_index_json(self, content: bytes, layout: Path) -> None:
        (layout / "index.json").write_bytes(content)
        with pytest.raises(InvalidDocument, match=r"index\.json"):
            open_image(f"oci:{layout}")

    def test_hundred_megabytes_of_json_are_not_read(self, layout: Path) -> None:
        with (layout / "index.json").open("r+b") as file:
            file.truncate(100 << 20)
        with pytest.raises(InvalidDocument, match=r"has 104857600 bytes; at most"):
            open_image(f"oci:{layout}")

    @pytest.mark.parametrize("name", ["index.json", "oci-layout", "blobs"])
    def test_pipe_does_not_hang(self, name: str, layout: Path) -> None:
        if name == "blobs":
            path = blob_of(layout, open_image(f"oci:{layout}").digest)
        else:
            path = layout / name
        path.unlink()
        os.mkfifo(path)
        if name == "oci-layout":
            assert open_image(f"oci:{layout}").list_files() == FILES
        else:
            with pytest.raises((InvalidArchive, NotFound)):
                open_image(f"oci:{layout}")

    @pytest.mark.parametrize("kind", ["manifest", "config", "layer"])
    @pytest.mark.parametrize("damage", ["missing", "flipped", "shorter", "longer", "folder"])
    def test_blob(self, kind: str, damage: str, layout: Path, tmp_path: Path) -> None:
        image = open_image(f"oci:{layout}")
        path = blob_of(layout, {"manifest": image.digest, "config": image.id, "layer": image.layers[0].digest}[kind])
        content = path.read_bytes()
        path.unlink()
        if damage == "flipped":
            path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        elif damage in ("shorter", "longer"):
            path.write_bytes(content[:-1] if damage == "shorter" else content + b"\0")
        elif damage == "folder":
            path.mkdir()
        for destination in ("oci:{}/new", "docker-archive:{}/new.tar", "oci-archive:{}/new.tar"):
            with pytest.raises((NotFound, ContentMismatch), match="sha256:"):
                copy_image(f"oci:{layout}", destination.format(tmp_path))
        assert sorted(os.listdir(tmp_path)) == ["layout"]

    @pytest.mark.parametrize(
        "text", ["sha256:../../../../etc/passwd", "../x:y", "sha256:" + "a" * 63, "x:" + "a" * 300]
    )
    def test_digest_that_leads_out(self, text: str, layout: Path) -> None:
        edit_index(layout, lambda index: index["manifests"][0].update(digest=text))
        with pytest.raises(InvalidDocument, match=r"malformed at .?manifests\.0\.digest"):
            open_image(f"oci:{layout}")

    def test_manifest_that_names_itself_as_index(self, layout: Path) -> None:
        edit_index(layout, lambda index: index["manifests"][0].update(mediaType=OCI_INDEX))
        with pytest.raises(InvalidDocument, match="was given as"):
            open_image(f"oci:{layout}")
