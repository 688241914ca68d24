"""Reading docker archives: all that `docker load` accepts, by whomever it was made, and clear words about the rest."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_docker import open_image
from python_docker.errors import (
    ContentMismatch,
    Error,
    InvalidArchive,
    InvalidDocument,
    InvalidLayer,
    NotFound,
    UnsupportedFormat,
)
from python_docker.image import Image
from python_docker.media_types import DOCKER_MANIFEST, OCI_MANIFEST
from python_docker.transports import open_source
from python_docker.transports.docker_archive import read_archive
from tests.archives import (
    COMPRESSIONS,
    Content,
    Hardlink,
    Symlink,
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


def both_members(
    layers: Sequence[bytes] = LAYERS,
    *,
    tag: str = "latest",
    stored: Sequence[bytes] | None = None,
    change: Mapping[str, Any] | None = None,
) -> dict[str, Content]:
    """The members of an archive as Docker 25 and later write it; `change` is laid over its OCI manifest."""
    stored = layers if stored is None else stored
    config = image_config(layers)
    suffix = {stored[n]: "" if stored[n] == layers[n] else "+gzip" for n in range(len(layers))}
    oci: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor(f"application/vnd.oci.image.layer.v1.tar{suffix[blob]}", blob) for blob in stored],
        "annotations": {"made": "by hand"},
    } | dict(change or {})
    raw = json.dumps(oci).encode()
    names = {
        "io.containerd.image.name": f"docker.io/library/hello:{tag}",
        "org.opencontainers.image.ref.name": tag,
    }
    index = {"schemaVersion": 2, "manifests": [{**_descriptor(OCI_MANIFEST, raw), "annotations": names}]}
    blobs: dict[str, Content] = {f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (*stored, config, raw)}
    layer_names = [f"blobs/sha256/{digest(blob)[7:]}" for blob in stored]
    entry = {"Config": f"blobs/sha256/{digest(config)[7:]}", "RepoTags": [f"hello:{tag}"], "Layers": layer_names}
    return blobs | {
        "index.json": json.dumps(index).encode(),
        "manifest.json": json.dumps([entry]).encode(),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "repositories": json.dumps({"hello": {tag: layer_names[-1][-64:]}}).encode(),
    }


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


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
        members = both_members()
        (image,) = read(members)
        check_hello(image)
        assert image.annotations == {"made": "by hand"}
        assert f"blobs/sha256/{image.digest.encoded}" in members

    def test_gzip_layers(self) -> None:
        stored = [gzip.compress(layer, mtime=0) for layer in LAYERS]
        members = both_members(stored=stored)
        (image,) = read(members)
        check_hello(image)
        assert f"blobs/sha256/{image.digest.encoded}" in members

    @pytest.mark.parametrize(
        "change",
        [
            {"config": _descriptor("application/vnd.oci.image.config.v1+json", b"other")},
            {"layers": []},
            {"layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in reversed(LAYERS)]},
            {"mediaType": "text/plain"},
            {"schemaVersion": 1},
        ],
    )
    def test_inconsistent_part_does_not_count(self, change: dict[str, Any]) -> None:
        (image,) = read(both_members(change=change))
        check_hello(image)
        assert image.manifest.media_type == DOCKER_MANIFEST

    @pytest.mark.parametrize("name", ["index.json", "oci-layout"])
    @pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b'{"imageLayoutVersion":"9"}', b" " * 5_000_000])
    def test_damaged_part_does_not_count(self, name: str, content: bytes) -> None:
        check_hello(read({**both_members(), name: content})[0])

    def test_missing_blobs_of_other_platforms(self) -> None:
        # As Docker with containerd's image store exports them.
        members = both_members()
        index = json.loads(members["index.json"])  # type: ignore[arg-type]
        nested = json.dumps(
            {"schemaVersion": 2, "manifests": [*index["manifests"], _descriptor(OCI_MANIFEST, b"not here")]}
        ).encode()
        root = _descriptor("application/vnd.oci.image.index.v1+json", nested)
        members[f"blobs/sha256/{digest(nested)[7:]}"] = nested
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [root]}).encode()
        (image,) = read(members)
        check_hello(image)
        assert image.annotations == {"made": "by hand"}

    def test_index_that_holds_itself(self) -> None:
        # Its digest cannot be its own, but a descriptor may say so.
        members = both_members()
        index = json.loads(members["index.json"])  # type: ignore[arg-type]
        fake = _descriptor("application/vnd.oci.image.index.v1+json", b"")
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
    entries, members = [], {}
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
        with pytest.raises(NotFound, match=r"@0 a:v1, a:v2, @1 registry.example/b:v1, @2 without a name"):
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


class TestDamage:
    def test_wrong_diff_id_of_a_plain_layer(self) -> None:
        other = layer_tar({"top": b"y"})
        (image,) = read(docker_members(LAYERS, stored=[LAYERS[0], other]))
        with pytest.raises(ContentMismatch, match="is damaged"):
            image.list_files()

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_wrong_diff_id_of_a_compressed_layer(self, compression: str) -> None:
        other = COMPRESSIONS[compression](layer_tar({"top": b"y"}))
        with pytest.raises(ContentMismatch, match=r"the tar of layer 'layer1.tar' in the archive is damaged"):
            read(docker_members(LAYERS, stored=[LAYERS[0], other]))

    def test_diff_ids_of_the_compressed_bytes(self) -> None:
        stored = [gzip.compress(layer) for layer in LAYERS]
        with pytest.raises(ContentMismatch, match="is damaged"):
            read(docker_members(LAYERS, stored=stored, config=image_config(stored)))

    @pytest.mark.parametrize("compression", COMPRESSIONS)
    def test_truncated_compressed_layer(self, compression: str) -> None:
        cut = COMPRESSIONS[compression](LAYERS[0])[:-20]
        with pytest.raises((InvalidLayer, ContentMismatch), match=r"layer0.tar"):
            read(docker_members(LAYERS, stored=[cut, LAYERS[1]]))

    def test_garbage_after_gzip(self) -> None:
        with pytest.raises(InvalidLayer, match=r"layer0.tar"):
            read(docker_members(LAYERS, stored=[gzip.compress(LAYERS[0]) + b"garbage", LAYERS[1]]))

    def test_another_number_of_diff_ids(self) -> None:
        with pytest.raises(InvalidDocument, match="has 1 layers for an image whose config has 2 diff IDs"):
            read(docker_members(LAYERS, stored=LAYERS[:1]))

    @pytest.mark.parametrize("missing", ["layer1.tar", "config.json"])
    def test_missing_member(self, missing: str) -> None:
        members = docker_members(LAYERS)
        del members[missing]
        with pytest.raises(InvalidArchive, match=rf"has no file '{missing}'"):
            read(members)

    @pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd", "..", "", "a" * 100_000, "x/" * 5000])
    def test_paths_that_lead_out(self, path: str) -> None:
        members = docker_members(LAYERS)
        for entry in ({"Config": path, "Layers": []}, {"Config": "config.json", "Layers": ["layer0.tar", path]}):
            with pytest.raises(InvalidArchive, match="has no file"):
                read({**members, "manifest.json": json.dumps([entry]).encode()})

    @pytest.mark.parametrize("name", ["{}.json", "sha256:{}", "blobs/sha256/{}"])
    def test_config_that_is_not_what_its_name_says(self, name: str) -> None:
        members = docker_members(LAYERS)
        path = name.format(image_id(LAYERS)[7:])
        config = members.pop("config.json")
        assert isinstance(config, bytes)
        entry = {"Config": path, "Layers": ["layer0.tar", "layer1.tar"]}
        members["manifest.json"] = json.dumps([entry]).encode()
        check_hello(read({**members, path: config})[0])
        with pytest.raises(ContentMismatch, match=r"the image's config .* is damaged"):
            read({**members, path: config.replace(b"layer 0", b"layer 9")})

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "not JSON"),
            (b"\xff", "not JSON"),
            (b"{}", "not the list of images"),
            (b'{"schemaVersion": 2, "layers": []}', "not the list of images"),
            (b'"text"', "not the list of images"),
            (b"[{}]", "malformed at 0.Config"),
            (b'[{"Config": 5}]', "malformed at 0.Config"),
            (b'[{"Config": "config.json", "Layers": [null]}]', "malformed at 0.Layers.0"),
            (b'[{"Config": "config.json", "RepoTags": "a:b"}]', "malformed at 0.RepoTags"),
            (b"[null]", "malformed at 0"),
            (b"[" * 10_000, "nested too deeply|not JSON"),
            (b'{"a":' * 10_000, "nested too deeply|not JSON"),
            (b'[{"Config": "a", "Config": "b"}]', "'Config' twice"),
            (b" " * (21 << 20), "at most"),
        ],
    )
    def test_manifest_json(self, content: bytes, message: str) -> None:
        with pytest.raises(InvalidDocument, match=message):
            read({**docker_members(LAYERS), "manifest.json": content})

    @pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"rootfs": 3}', b"[" * 10_000, b" " * (5 << 20)])
    def test_config(self, content: bytes) -> None:
        with pytest.raises(InvalidDocument):
            read({**docker_members(LAYERS), "config.json": content})

    def test_two_different_manifests(self) -> None:
        members = [*docker_members(LAYERS).items(), ("./manifest.json", b"[]")]
        with pytest.raises(InvalidArchive, match=r"'manifest.json' more than once"):
            read(members)

    def test_no_image_archive(self) -> None:
        with pytest.raises(InvalidArchive, match=r"has no file 'manifest.json' .it has 'etc', 'etc/passwd'."):
            read({"etc": None, "etc/passwd": b"root"})

    def test_artifact_alone(self, tmp_path: Path) -> None:
        manifest = {"config": _descriptor("application/vnd.example", b"{}"), "layers": []}
        members = {**both_members(change=manifest), "blobs/sha256/" + digest(b"{}")[7:]: b"{}"}
        del members["manifest.json"]
        with pytest.raises(UnsupportedFormat, match="is no container image"):
            read(members)

    @settings(max_examples=120, deadline=None)
    @given(st.data())
    def test_flipped_bits(self, data: st.DataObject) -> None:
        whole = bytearray(_BOTH if data.draw(st.booleans()) else _PLAIN)
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        try:
            images = read(bytes(whole))
            for image in images:
                image.list_files()
        except Error:
            return
        for image in images:
            # What nothing vouches for may differ (a name, an order), never what runs.
            assert image.list_files() in ([], ["etc", "etc/greeting"], ["top"], ["etc", "etc/greeting", "top"])

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 100_000))
    def test_truncated_anywhere(self, cut: int) -> None:
        try:
            images = read(_BOTH[: cut % len(_BOTH)])
            assert [image.list_files() for image in images] == [["etc", "etc/greeting", "top"]] * len(images)
        except Error:
            return
        # Complete but for padding, or for members that nothing needs.
        assert cut % len(_BOTH) > _BOTH.index(b"manifest.json")


_TINY = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x"})]
_BOTH = tar_of(both_members(_TINY, stored=[gzip.compress(_TINY[0]), _TINY[1]]))
_PLAIN = tar_of(docker_members(_TINY))
