"""Reading docker archives: all that `docker load` accepts, by whomever it was made, and clear words about the rest."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from python_docker import open_image
from python_docker.errors import (
    ContentMismatch,
    NotFound,
)
from python_docker.image import Image
from python_docker.spec.media_types import DOCKER_MANIFEST, OCI_MANIFEST
from python_docker.transports import open_source
from python_docker.transports.docker.archive import read_archive
from tests.archives import (
    COMPRESSIONS,
    Content,
    Hardlink,
    Symlink,
    both_members,
    descriptor,
    docker_members,
    image_id,
    only_linux,
    open_files_in,
    tar_of,
)
from tests.images import digest, hello_config, image_config, layer_tar, write_docker_archive, write_oci_layout

LAYERS = [layer_tar({"etc/greeting": b"hello\n", "bin/large": b"0123456789" * 20_000}), layer_tar({"top": b"x"})]
FILES = ["bin", "bin/large", "etc", "etc/greeting", "top"]


def read(members: dict[str, Content] | Sequence[tuple[str, Content]] | bytes) -> list[Image]:
    return read_archive(io.BytesIO(members if isinstance(members, bytes) else tar_of(members)))


def check_hello(image: Image) -> None:
    """The image is the one that `docker_members(LAYERS)` describes, and every byte of it can be read."""
    assert image.id == image_id(LAYERS)
    assert [layer.diff_id for layer in image.layers] == [digest(layer) for layer in reversed(LAYERS)]
    assert image.list_files() == FILES
    for layer in image.layers:
        with layer.open() as stream:
            assert digest(stream.read()) == layer.digest
    assert image.config_blob.read() == image_config(LAYERS)


class TestForms:
    def test_plain_layers(self) -> None:
        (image,) = read(docker_members(LAYERS))
        check_hello(image)
        assert (image.name, image.tag) == ("hello", "latest")
        assert image.manifest.media_type == DOCKER_MANIFEST
        assert [layer.digest for layer in image.layers] == [layer.diff_id for layer in image.layers]

    def test_runtime_config(self) -> None:
        (image,) = read(docker_members(LAYERS, runtime=hello_config()))
        assert image.layers[0].config["Cmd"] == ["/bin/cat", "/etc/greeting"]

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    @pytest.mark.parametrize("name", ["{}.tar", "{}.tar.gz", "{}/layer.tar", "blobs/sha256/{}", "x y/ü{}"])
    def test_compressed_layers_of_any_name(self, compression: str, name: str) -> None:
        stored = [COMPRESSIONS[compression](layer) for layer in LAYERS]
        names = [name.format(digest(blob)[7:]) for blob in stored]
        (image,) = read(docker_members(LAYERS, stored=stored, names=names))
        check_hello(image)
        if compression in ("gzip", "zstd"):
            assert [layer.digest for layer in image.layers] == [digest(blob) for blob in reversed(stored)]
            assert all(layer.descriptor.media_type.endswith(compression) for layer in image.layers)
        else:
            assert [layer.digest for layer in image.layers] == [layer.diff_id for layer in image.layers]

    def test_gzip_beside_plain(self) -> None:
        (image,) = read(docker_members(LAYERS, stored=[gzip.compress(LAYERS[0]), LAYERS[1]]))
        check_hello(image)

    def test_several_gzip_members_in_a_layer(self) -> None:
        stored = [gzip.compress(LAYERS[0][:1000]) + gzip.compress(LAYERS[0][1000:]), LAYERS[1]]
        (image,) = read(docker_members(LAYERS, stored=stored))
        check_hello(image)

    def test_several_zstd_frames_with_skippable_ones(self) -> None:
        zstd = COMPRESSIONS["zstd"]
        skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"
        stored = [skippable + zstd(LAYERS[0][:1000]) + skippable + zstd(LAYERS[0][1000:]), LAYERS[1]]
        (image,) = read(docker_members(LAYERS, stored=stored))
        check_hello(image)
        assert image.manifest.media_type == OCI_MANIFEST

    def test_manifest_first(self) -> None:
        members = docker_members(LAYERS)
        check_hello(read(dict(reversed(members.items())))[0])

    def test_leading_dots_and_folders(self) -> None:
        members = {f"./{name}": content for name, content in docker_members(LAYERS).items()}
        check_hello(read({"./": None, **members})[0])

    def test_names_with_colons(self) -> None:
        # As crane writes them.
        config = image_config(LAYERS)
        stored = [gzip.compress(layer) for layer in LAYERS]
        names = [f"{digest(blob)[7:]}.tar.gz" for blob in stored]
        entry = {"Config": digest(config), "RepoTags": ["example.com/hello:v1"], "Layers": names}
        members: dict[str, Content] = {digest(config): config, **dict(zip(names, stored, strict=True))}
        (image,) = read({**members, "manifest.json": json.dumps([entry]).encode()})
        check_hello(image)
        assert (image.name, image.tag) == ("example.com/hello", "v1")

    @pytest.mark.parametrize("target", ["../store/layer", "/store/layer", "../../../store/layer"])
    @pytest.mark.parametrize("link_first", [True, False])
    def test_layer_that_is_a_symbolic_link(self, target: str, link_first: bool) -> None:
        members = docker_members(LAYERS, names=["image/layer.tar", "other"])
        content, members["image/layer.tar"] = members["image/layer.tar"], Symlink(target)
        stored: dict[str, Content] = {"store/layer": content}
        check_hello(read(members | stored if link_first else stored | members)[0])

    @pytest.mark.parametrize("link_first", [True, False])
    def test_layer_that_is_a_hard_link(self, link_first: bool) -> None:
        members = docker_members(LAYERS, names=["image/layer.tar", "other"])
        content, members["image/layer.tar"] = members["image/layer.tar"], Hardlink("store/layer")
        stored: dict[str, Content] = {"store/layer": content}
        check_hello(read(members | stored if link_first else stored | members)[0])

    @pytest.mark.parametrize("tags", [None, []])
    def test_without_a_name(self, tags: list[str] | None) -> None:
        (image,) = read(docker_members(LAYERS, tags=tags))
        check_hello(image)
        assert (image.name, image.tag) == ("", None)

    def test_names_that_docker_would_refuse(self) -> None:
        (image,) = read(docker_members(LAYERS, tags=["UPPER:v1", "fine:v2"]))
        assert (image.name, image.tag) == ("fine", "v2")

    def test_full_name(self) -> None:
        (image,) = read(docker_members(LAYERS, tags=["docker.io/library/hello:v1"]))
        assert (image.name, image.tag) == ("hello", "v1")

    def test_same_layer_twice(self) -> None:
        layers = [LAYERS[1], LAYERS[1]]
        (image,) = read(docker_members(layers, names=["one", "one"], stored=layers))
        assert [layer.list_files() for layer in image.layers] == [["top"], ["top"]]

    @pytest.mark.parametrize("names", [[], None])
    def test_zero_layers(self, names: list[str] | None) -> None:
        members = docker_members([])
        entry = {"Config": "config.json", "RepoTags": None, "Layers": names}
        (image,) = read({**members, "manifest.json": json.dumps([entry]).encode()})
        assert image.layers == []
        assert image.id == image_id([])

    def test_unknown_fields(self) -> None:
        members = docker_members(LAYERS)
        entry = {
            "Config": "config.json",
            "Layers": ["layer0.tar", "layer1.tar"],
            "Parent": "sha256:" + "0" * 64,
            "LayerSources": {digest(LAYERS[0]): {"mediaType": "x", "size": 1, "digest": "wrong"}},
        }
        check_hello(read({**members, "manifest.json": json.dumps([entry]).encode()})[0])

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_compressed_as_a_whole(self, compression: str, tmp_path: Path) -> None:
        path = tmp_path / "hello.tar.gz"
        path.write_bytes(COMPRESSIONS[compression](tar_of(docker_members(LAYERS))))
        check_hello(open_image(str(path)))

    def test_as_docker_1_10_to_24_write(self, tmp_path: Path) -> None:
        expected = write_docker_archive(tmp_path / "hello.tar", LAYERS, tags=("hello:v1",))
        image = open_image(f"{tmp_path}/hello.tar")
        assert (image.id, image.name, image.tag) == (expected, "hello", "v1")
        assert image.list_files() == FILES


class TestOciPart:
    def test_manifest_of_the_oci_part(self) -> None:
        members = both_members(LAYERS)
        (image,) = read(members)
        check_hello(image)
        assert image.annotations == {"made": "by hand"}
        assert f"blobs/sha256/{image.digest.encoded}" in members

    def test_gzip_layers(self) -> None:
        stored = [gzip.compress(layer, mtime=0) for layer in LAYERS]
        members = both_members(LAYERS, stored=stored)
        (image,) = read(members)
        check_hello(image)
        assert f"blobs/sha256/{image.digest.encoded}" in members

    @pytest.mark.parametrize(
        "change",
        [
            {"config": descriptor("application/vnd.oci.image.config.v1+json", b"other")},
            {"layers": []},
            {"layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in reversed(LAYERS)]},
            {"mediaType": "text/plain"},
            {"schemaVersion": 1},
        ],
    )
    def test_inconsistent_part_does_not_count(self, change: dict[str, Any]) -> None:
        (image,) = read(both_members(LAYERS, change=change))
        check_hello(image)
        assert image.manifest.media_type == DOCKER_MANIFEST

    @pytest.mark.parametrize("name", ["index.json", "oci-layout"])
    @pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b'{"imageLayoutVersion":"9"}', b" " * 5_000_000])
    def test_damaged_part_does_not_count(self, name: str, content: bytes) -> None:
        check_hello(read({**both_members(LAYERS), name: content})[0])

    def test_missing_blobs_of_other_platforms(self) -> None:
        # As Docker with containerd's image store exports them.
        members = both_members(LAYERS)
        index = json.loads(members["index.json"])  # type: ignore[arg-type]
        nested = json.dumps(
            {"schemaVersion": 2, "manifests": [*index["manifests"], descriptor(OCI_MANIFEST, b"not here")]}
        ).encode()
        root = descriptor("application/vnd.oci.image.index.v1+json", nested)
        members[f"blobs/sha256/{digest(nested)[7:]}"] = nested
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [root]}).encode()
        (image,) = read(members)
        check_hello(image)
        assert image.annotations == {"made": "by hand"}

    def test_index_that_holds_itself(self) -> None:
        # Its digest cannot be its own, but a descriptor may say so.
        members = both_members(LAYERS)
        index = json.loads(members["index.json"])  # type: ignore[arg-type]
        fake = descriptor("application/vnd.oci.image.index.v1+json", b"")
        index["manifests"].append({**fake, "size": len(json.dumps(index))})
        members["index.json"] = json.dumps(index).encode()
        check_hello(read(members)[0])

    def test_layout_alone(self, tmp_path: Path) -> None:
        expected = write_oci_layout(tmp_path / "layout", LAYERS, tag="hello:v1")
        path = tmp_path / "layout.tar"
        path.write_bytes(tar_of(_folder_members(tmp_path / "layout")))
        for location in (f"docker-archive:{path}", f"docker-archive:{path}:hello:v1", str(path)):
            image = open_image(location)
            assert image.digest == expected
            assert image.list_files() == FILES
        assert [image.digest for image in read_archive(path)] == [expected]


def _folder_members(folder: Path) -> dict[str, Content]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def several() -> dict[str, Content]:
    """An archive of three images: one with two names, one with one, one without."""
    entries: list[dict[str, Any]] = []
    members: dict[str, Content] = {}
    for number, tags in enumerate((["a:v1", "a:v2"], ["registry.example/b:v1"], None)):
        image = docker_members([layer_tar({f"file{number}": b"x"})], names=[f"{number}/layer.tar"], tags=tags)
        members |= {f"{number}/layer.tar": image[f"{number}/layer.tar"], f"{number}.json": image["config.json"]}
        entries.append({"Config": f"{number}.json", "RepoTags": tags, "Layers": [f"{number}/layer.tar"]})
    return {**members, "manifest.json": json.dumps(entries).encode()}


class TestSeveralImages:
    def test_all_of_them(self) -> None:
        images = read(several())
        assert [(image.name, image.tag) for image in images] == [("a", "v1"), ("registry.example/b", "v1"), ("", None)]
        assert [image.list_files() for image in images] == [["file0"], ["file1"], ["file2"]]

    @pytest.mark.parametrize(
        ("name", "file", "reference"),
        [
            ("a:v1", "file0", "a:v1"),
            ("a:v2", "file0", "a:v2"),
            ("docker.io/library/a:v2", "file0", "a:v2"),
            ("registry.example/b:v1", "file1", "registry.example/b:v1"),
            ("@0", "file0", "a:v1"),
            ("@2", "file2", None),
        ],
    )
    def test_one_of_them(self, name: str, file: str, reference: str | None, tmp_path: Path) -> None:
        path = tmp_path / "several.tar"
        path.write_bytes(tar_of(several()))
        source = open_source(f"docker-archive:{path}:{name}")
        assert (source.reference.familiar if source.reference else None) == reference
        assert open_image(f"docker-archive:{path}:{name}").list_files() == [file]

    @pytest.mark.parametrize("name", ["", ":c", ":a", ":a:v3", ":b:v1", ":@3", ":@", ":@-1", ":@x"])
    def test_none_of_them(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / "several.tar"
        path.write_bytes(tar_of(several()))
        with pytest.raises(NotFound, match=r"a:v1 or a:v2 \(@0\), registry.example/b:v1 \(@1\), without a name \(@2\)"):
            open_image(f"docker-archive:{path}{name}")

    def test_name_that_occurs_twice_is_the_last_ones(self, tmp_path: Path) -> None:
        members = several()
        entries = json.loads(members["manifest.json"])  # type: ignore[arg-type]
        entries[1]["RepoTags"] = ["a:v1"]
        path = tmp_path / "several.tar"
        path.write_bytes(tar_of({**members, "manifest.json": json.dumps(entries).encode()}))
        assert open_image(f"docker-archive:{path}:a:v1").list_files() == ["file1"]

    def test_no_image(self, tmp_path: Path) -> None:
        assert read({"manifest.json": b"[]"}) == []
        path = tmp_path / "none.tar"
        path.write_bytes(tar_of({"manifest.json": b"[]"}))
        with pytest.raises(NotFound, match="holds no image"):
            open_image(str(path))


class TestLaziness:
    @only_linux
    def test_file_is_open_as_long_as_it_is_needed(self, tmp_path: Path) -> None:
        path = tmp_path / "hello.tar"
        path.write_bytes(tar_of(docker_members(LAYERS)))
        image = open_image(str(path))
        path.unlink()
        check_hello(image)
        assert open_files_in(tmp_path) == [f"{path} (deleted)"]
        del image
        assert open_files_in(tmp_path) == []

    def test_plain_layers_are_not_read_when_opened(self, tmp_path: Path) -> None:
        path = tmp_path / "hello.tar"
        whole = bytearray(tar_of(docker_members(LAYERS)))
        whole[whole.index(b"0123456789") + 5000] ^= 1
        path.write_bytes(whole)
        image = open_image(str(path))
        with pytest.raises(ContentMismatch):
            image.list_files()
