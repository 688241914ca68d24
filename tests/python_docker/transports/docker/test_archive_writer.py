"""Writing docker archives: in the form that all readers know, the same bytes each time, whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_docker import copy_image, open_image, write_image
from python_docker.errors import ContentMismatch, Error, InvalidReference, UnsupportedFormat
from python_docker.image import Image
from python_docker.progress import SILENT
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import DOCKER_MANIFEST, OCI_MANIFEST
from python_docker.spec.reference import ImageReference
from python_docker.transports.docker.archive import ArchiveDestination, read_archive, write_archive
from python_docker.transports.location import Location
from python_docker.transports.output import StreamOutput
from tests.archives import COMPRESSIONS, docker_members, members_of, tar_of
from tests.images import digest, layer_tar, write_oci_layout

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 100_000})]


def image_of(*stored: bytes, tags: tuple[str, ...] = ("hello:latest",)) -> Image:
    (image,) = read_archive(io.BytesIO(tar_of(docker_members(LAYERS, stored=stored or LAYERS, tags=tags))))
    return image


def written(*images: Image, version: str = "v1.2") -> bytes:
    file = io.BytesIO()
    write_archive(images, file, version=version)
    return file.getvalue()


def document(archive: bytes, name: str) -> Any:
    return json.loads(members_of(archive)[name])


class OneWay(io.RawIOBase):
    """A file that can only be written to, and takes little at a time."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self.content += bytes(data[:10_000])
        return min(len(data), 10_000)


class TestForm:
    def test_documents(self) -> None:
        archive = written(image_of(tags=("example.com/team/hello:v1",)))
        config = image_of().id
        entry = {
            "Config": f"blobs/sha256/{config.encoded}",
            "RepoTags": ["example.com/team/hello:v1"],
            "Layers": [f"blobs/sha256/{digest(layer)[7:]}" for layer in LAYERS],
        }
        assert document(archive, "manifest.json") == [entry]
        assert document(archive, "repositories") == {"example.com/team/hello": {"v1": digest(LAYERS[1])[7:]}}
        assert document(archive, "oci-layout") == {"imageLayoutVersion": "1.0.0"}
        (descriptor,) = document(archive, "index.json")["manifests"]
        assert descriptor["annotations"] == {
            "io.containerd.image.name": "example.com/team/hello:v1",
            "org.opencontainers.image.ref.name": "v1",
        }
        assert f"blobs/sha256/{descriptor['digest'][7:]}" in members_of(archive)

    def test_docker_hub_names_are_familiar(self) -> None:
        archive = written(image_of(tags=("docker.io/library/hello:v1",)))
        assert document(archive, "manifest.json")[0]["RepoTags"] == ["hello:v1"]
        assert list(document(archive, "repositories")) == ["hello"]
        (descriptor,) = document(archive, "index.json")["manifests"]
        assert descriptor["annotations"]["io.containerd.image.name"] == "docker.io/library/hello:v1"

    def test_members_are_plain_files_and_folders_of_fixed_times(self) -> None:
        with tarfile.open(fileobj=io.BytesIO(written(image_of()))) as tar:
            entries = list(tar)
        assert {entry.type for entry in entries} == {tarfile.REGTYPE, tarfile.DIRTYPE}
        assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "")}
        assert {entry.mode for entry in entries if entry.isfile()} == {0o644}
        assert len({entry.name for entry in entries}) == len(entries)

    def test_blobs_have_the_digests_of_their_names(self) -> None:
        blobs = {name: blob for name, blob in members_of(written(image_of())).items() if name.startswith("blobs/")}
        assert {name: f"blobs/sha256/{digest(blob)[7:]}" for name, blob in blobs.items()} == {n: n for n in blobs}

    def test_same_bytes_each_time(self, tmp_path: Path) -> None:
        write_archive([image_of()], tmp_path / "hello.tar")
        assert (tmp_path / "hello.tar").read_bytes() == written(image_of())

    def test_image_without_a_name(self) -> None:
        archive = written(image_of(tags=()))
        assert document(archive, "manifest.json")[0]["RepoTags"] is None
        assert "repositories" not in members_of(archive)
        assert "annotations" not in document(archive, "index.json")["manifests"][0]

    def test_image_without_layers(self) -> None:
        (image,) = read_archive(io.BytesIO(written(Image("empty", "v1"))))
        assert (image.layers, image.name) == ([], "empty")


class TestRoundTrip:
    @pytest.mark.parametrize("compression", ["gzip", None])
    def test_digest_of_a_docker_manifest(self, compression: str | None) -> None:
        stored = LAYERS if compression is None else [COMPRESSIONS[compression](layer) for layer in LAYERS]
        image = image_of(*stored)
        (again,) = read_archive(io.BytesIO(written(image)))
        assert again.digest == image.digest
        assert again.manifest.media_type == DOCKER_MANIFEST
        assert again.list_files() == image.list_files()

    def test_digest_of_an_oci_manifest(self, tmp_path: Path) -> None:
        expected = write_oci_layout(tmp_path / "layout", LAYERS, tag="hello:v1")
        copy_image(f"oci:{tmp_path}/layout", f"docker-archive:{tmp_path}/hello.tar")
        image = open_image(f"{tmp_path}/hello.tar")
        assert (image.digest, image.manifest.media_type) == (expected, OCI_MANIFEST)
        assert (image.name, image.tag) == ("hello", "v1")

    def test_zstd_layers_are_unpacked(self, tmp_path: Path) -> None:
        image = image_of(*[COMPRESSIONS["zstd"](layer) for layer in LAYERS])
        archive = written(image)
        assert not any(blob.startswith((b"\x28\xb5\x2f\xfd", b"\x1f\x8b")) for blob in members_of(archive).values())
        (again,) = read_archive(io.BytesIO(archive))
        assert again.id == image.id
        assert again.list_files() == image.list_files()

    def test_over_its_own_source(self, tmp_path: Path) -> None:
        path = tmp_path / "hello.tar"
        path.write_bytes(tar_of(docker_members(LAYERS)))
        (image,) = Image.from_filename(path)
        image.add_layer_contents({"new": b"1"})
        image.write_filename(path)
        assert open_image(str(path)).list_files() == [*image_of().list_files()[:2], "new", "top"]
        # The image that was read can still be used.
        assert image.list_files() == open_image(str(path)).list_files()

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.binary(max_size=3000), max_size=3),
            max_size=4,
        ),
        st.lists(st.sampled_from(["plain", "gzip"]), min_size=4, max_size=4),
    )
    def test_any_layers(self, contents: list[dict[str, bytes]], forms: list[str]) -> None:
        layers = [layer_tar(files) for files in contents]
        stored = [
            gzip.compress(layer, mtime=0) if form == "gzip" else layer
            for form, layer in zip(forms, layers, strict=False)
        ]
        (image,) = read_archive(io.BytesIO(tar_of(docker_members(layers, stored=stored))))
        (again,) = read_archive(io.BytesIO(written(image)))
        assert (again.digest, again.id) == (image.digest, image.id)
        for layer, expected in zip(again.layers, reversed(layers), strict=True):
            with layer.open_uncompressed() as stream:
                assert stream.read() == expected


class TestSeveralImages:
    def test_shared_blobs_are_written_once(self) -> None:
        first, second = image_of(), image_of(tags=("other:v2",))
        second.add_layer_contents({"more": b"1"})
        archive = written(first, second)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            names = tar.getnames()
        assert len(names) == len(set(names))
        assert [(image.name, image.tag) for image in read_archive(io.BytesIO(archive))] == [
            ("hello", "latest"),
            ("other", "v2"),
        ]

    def test_one_image_with_two_names(self) -> None:
        archive = written(image_of(), image_of(tags=("other:v2",)))
        (entry,) = document(archive, "manifest.json")
        assert entry["RepoTags"] == ["hello:latest", "other:v2"]
        names = [one["annotations"]["io.containerd.image.name"] for one in document(archive, "index.json")["manifests"]]
        assert names == ["docker.io/library/hello:latest", "docker.io/library/other:v2"]
        assert len(read_archive(io.BytesIO(archive))) == 1

    def test_one_name_for_two_images(self) -> None:
        second = image_of()
        second.add_layer_contents({"more": b"1"})
        with pytest.raises(InvalidReference, match="two images of one archive cannot both be called hello:latest"):
            written(image_of(), second)

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(Error, match="no image"):
            write_archive([], tmp_path / "none.tar")
        assert list(tmp_path.iterdir()) == []

    def test_images_that_differ_in_annotations_alone(self) -> None:
        images = [image_of(tags=(f"image{number}:v1",)) for number in range(2)]
        for number, image in enumerate(images):
            image.format = type(image.format)("oci")
            image.annotations = {"number": str(number)}
        again = read_archive(io.BytesIO(written(*images)))
        assert [image.annotations["number"] for image in again] == ["0", "1"]


class TestNames:
    def test_location_gives_the_name(self, tmp_path: Path) -> None:
        write_image(image_of(), f"docker-archive:{tmp_path}/x.tar:registry.example:5000/a/b:v9")
        image = open_image(f"{tmp_path}/x.tar")
        assert (image.name, image.tag) == ("registry.example:5000/a/b", "v9")

    def test_tag_is_latest_where_none_is_given(self, tmp_path: Path) -> None:
        write_image(image_of(), f"docker-archive:{tmp_path}/x.tar:other")
        assert document((tmp_path / "x.tar").read_bytes(), "manifest.json")[0]["RepoTags"] == ["other:latest"]

    def test_digest_is_no_name(self) -> None:
        output = io.BytesIO()
        destination = ArchiveDestination(StreamOutput(output), ImageReference.parse(f"hello@{digest(b'x')}"))
        image = image_of()
        for blob in (*[layer.blob for layer in image.layers], image.config_blob):
            destination.put_blob(blob, SILENT.start("", None))
        destination.put_manifest(image.manifest, root=True)
        destination.commit()
        assert document(output.getvalue(), "manifest.json")[0]["RepoTags"] is None

    @pytest.mark.parametrize("name", ["UPPER:v1", "@0", "a:b:c", "a b"])
    def test_no_name(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InvalidReference):
            write_image(image_of(), Location("docker-archive", f"{tmp_path}/x.tar", name))
        assert list(tmp_path.iterdir()) == []

    def test_image_with_a_name_that_docker_refuses(self, tmp_path: Path) -> None:
        image = image_of()
        image.name = "My Image"
        with pytest.raises(InvalidReference):
            image.write_filename(tmp_path / "x.tar")
        assert list(tmp_path.iterdir()) == []


class TestRefused:
    def test_index(self) -> None:
        destination = ArchiveDestination(StreamOutput(io.BytesIO()))
        with pytest.raises(UnsupportedFormat, match="choose one with --platform"):
            destination.put_manifest(Index.build({"schemaVersion": 2, "manifests": []}), root=True)

    def test_all_platforms(self, tmp_path: Path) -> None:
        write_oci_layout(tmp_path / "layout", LAYERS)
        index = json.loads((tmp_path / "layout/index.json").read_text())
        for descriptor, architecture in zip(index["manifests"] * 2, ("amd64", "arm64"), strict=True):
            descriptor["platform"] = {"os": "linux", "architecture": architecture}
        first = index["manifests"][0]
        second = {**first, "platform": {"os": "linux", "architecture": "riscv64"}}
        (tmp_path / "layout/index.json").write_text(json.dumps({**index, "manifests": [first, second]}))
        with pytest.raises(UnsupportedFormat, match="a docker archive cannot hold a multi-platform image"):
            copy_image(f"oci:{tmp_path}/layout", f"docker-archive:{tmp_path}/x.tar", all_platforms=True)
        assert not (tmp_path / "x.tar").exists()

    @pytest.mark.parametrize("part", ["config", "first layer"])
    def test_artifact(self, part: str) -> None:
        image = image_of()
        value = image.manifest.value()
        for descriptor in [value["config"]] if part == "config" else value["layers"]:
            descriptor["mediaType"] = "application/vnd.example"
        destination = ArchiveDestination(StreamOutput(io.BytesIO()))
        with pytest.raises(UnsupportedFormat, match=f"which is not an image: its {part} has the type"):
            destination.put_manifest(type(image.manifest).build(value), root=True)

    @pytest.mark.parametrize("version", ["v2", "1.2", ""])
    def test_version(self, version: str) -> None:
        with pytest.raises(ValueError, match=r"v1 and v1.2"):
            written(image_of(), version=version)


class TestFiles:
    def test_stream_that_cannot_seek(self) -> None:
        file = OneWay()
        image_of().write_file(file)  # type: ignore[arg-type]
        assert bytes(file.content) == written(image_of())

    def test_stream_stays_open(self) -> None:
        file = io.BytesIO()
        write_archive([image_of()], file)
        assert not file.closed

    def test_source_that_turns_out_damaged(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tar"
        path.write_bytes(b"what was there")
        whole = bytearray(tar_of(docker_members(LAYERS)))
        whole[whole.index(b"xxxxxxxx") + 50_000] ^= 1
        (image,) = read_archive(io.BytesIO(bytes(whole)))
        with pytest.raises(ContentMismatch):
            image.write_filename(path)
        assert path.read_bytes() == b"what was there"
        assert os.listdir(tmp_path) == ["x.tar"]
