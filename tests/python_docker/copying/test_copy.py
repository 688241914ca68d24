"""Copying: what stays as it is, what is converted, and what is left behind when something goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.copying.choose import image_of
from python_docker.copying.copy import (
    AS_IT_IS,
    Conversion,
    _blobs,
    copy_image,
    copy_index,
    copy_manifest,
    put_image,
)
from python_docker.errors import ContentMismatch, NotFound, UnsupportedFormat
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_CONFIG, ImageFormat, layer_compression, layer_media_type
from python_docker.spec.platform import Platform
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression
from python_docker.transports import open_image, open_source
from tests.python_docker.in_memory import Heard, Kept, Many, limited
from tests.python_docker.making import HELLO, MORE, Made

# -- one image ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_what_the_destination_can_keep_stays_as_it_is(image_format: ImageFormat, compression: Compression) -> None:
    made = Made([HELLO, MORE], image_format=image_format, compression=compression, unknown=[1])
    kept = Kept()
    assert put_image(made.image(), kept).raw == made.root().raw
    assert kept.root == made.root()
    assert kept.blobs == made.blobs


def test_a_changed_image_is_written_as_it_is_now() -> None:
    image = Made([HELLO, MORE]).image()
    image.remove_layer()
    image.add_layer_contents({"a": b"a"})
    image.config["Env"].append("FOO=BAR")
    kept = Kept()
    manifest = put_image(image, kept)
    assert manifest.digest == image.digest
    assert b"FOO=BAR" in kept.blobs[manifest.config.digest]


def test_progress_tells_of_every_blob() -> None:
    made = Made([HELLO, MORE])
    heard = Heard()
    put_image(made.image(), Kept(), progress=heard)
    sizes = {digest.short: len(content) for digest, content in made.blobs.items()}
    assert heard.totals == heard.moved == sizes
    assert sorted(heard.ended) == sorted(sizes)


@pytest.mark.parametrize("conversion", [AS_IT_IS, Conversion(compression=Compression.ZSTD)])
def test_damage_is_told_and_nothing_becomes_the_root(conversion: Conversion) -> None:
    made = Made([HELLO, MORE], compression=Compression.NONE)
    digest = Digest(made.value["layers"][1]["digest"])
    made.blobs[digest] = made.blobs[digest][:-1] + b"\1"
    kept = Kept()
    with pytest.raises(ContentMismatch, match="damaged"):
        put_image(made.image(), kept, conversion=conversion)
    assert kept.root is None


# -- many images -------------------------------------------------------------------------------------------------------


def test_all_images_stay_as_they_are() -> None:
    many = Many()
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    assert copy_index(many, root, kept) is root
    assert kept.root == root
    assert len(kept.manifests) == 4


@pytest.mark.parametrize("nested", [1, 2, 3])
def test_indexes_in_indexes(nested: int) -> None:
    many = Many(nested=nested)
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    copy_index(many, root, kept)
    assert kept.root == root
    assert len(kept.manifests) == 4 + nested


def test_indexes_that_never_end_are_refused() -> None:
    many = Many(nested=5)
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(UnsupportedFormat, match="deep"):
        copy_index(many, root, Kept())


def test_images_are_converted_and_attestations_are_not() -> None:
    many = Many()
    kept = Kept()
    root = many.root()
    assert isinstance(root, Index)
    index = copy_index(many, root, kept, conversion=Conversion(compression=Compression.ZSTD))
    assert index.digest != root.digest
    assert index.value()["unknown"] == 1
    for before, after in zip(root.manifests[:2], index.manifests[:2], strict=True):
        manifest = kept.manifests[after.digest]
        assert isinstance(manifest, Manifest)
        assert all(layer.media_type.endswith("+zstd") for layer in manifest.layers)
        assert after.platform == before.platform
    assert index.manifests[2] == root.manifests[2]


def test_an_index_in_docker_s_format_loses_what_only_oci_has() -> None:
    many = Many()
    many.value |= {"annotations": {"a": "b"}, "artifactType": "x/y"}
    root = many.root()
    assert isinstance(root, Index)
    index = copy_index(many, root, Kept(), conversion=Conversion(ImageFormat.DOCKER))
    assert index.media_type == ImageFormat.DOCKER.index_type
    assert {"annotations", "artifactType"}.isdisjoint(index.value())
    assert [child.media_type for child in index.manifests[:2]] == [ImageFormat.DOCKER.manifest_type] * 2


def test_an_index_needs_a_place_for_it() -> None:
    many = Many()
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(UnsupportedFormat, match="choose a platform with --platform"):
        copy_index(many, root, limited(takes_index=False))


def test_what_an_index_names_and_is_not_there_is_named() -> None:
    many = Many()
    del many.blobs[Digest(many.value["manifests"][1]["digest"])]
    root = many.root()
    assert isinstance(root, Index)
    with pytest.raises(NotFound, match="the index names an image for linux/arm64, which is not there"):
        copy_index(many, root, Kept())
    assert image_of(many, Platform("linux", "amd64")).platform == Platform("linux", "amd64")


# -- what is not an image ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config_type", ["application/vnd.oci.empty.v1+json", "application/x-own", OCI_CONFIG])
@pytest.mark.parametrize("layer_type", ["text/plain", "application/vnd.oci.image.layer.v1.tar+gzip"])
def test_any_manifest_is_copied_byte_for_byte(config_type: str, layer_type: str) -> None:
    made = Made(unknown={"kept": True}, artifactType="application/x-own")
    made.value["config"] = made.put(b"[not JSON", config_type)
    made.value["layers"] = [made.put(b"not a tar", layer_type)]
    kept = limited([ImageFormat.OCI])
    root = made.root()
    assert isinstance(root, Manifest)
    assert copy_manifest(made, root, kept).raw == root.raw
    assert kept.root == root
    assert len(kept.blobs) == 2


def test_what_is_not_an_image_is_not_converted() -> None:
    made = Made()
    made.value["config"] = made.put(b"{}", "application/vnd.oci.empty.v1+json")
    root = made.root()
    assert isinstance(root, Manifest)
    for conversion in (Conversion(ImageFormat.DOCKER), Conversion(compression=Compression.ZSTD)):
        with pytest.raises(UnsupportedFormat, match="is not an image"):
            copy_manifest(made, root, Kept(), conversion=conversion)
    assert copy_manifest(made, root, Kept(), conversion=Conversion(ImageFormat.OCI, Compression.GZIP)) is root


FOREIGN = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
]


@pytest.mark.parametrize("media_type", FOREIGN)
def test_foreign_layers_may_be_elsewhere(media_type: str) -> None:
    made = Made([HELLO, MORE], image_format=ImageFormat.of(media_type))
    layer = made.value["layers"][0] | {"mediaType": media_type}
    made.value["layers"][0] = layer | {"urls": ["https://example.org/layer"]}
    del made.blobs[layer["digest"]]
    root = made.root()
    assert isinstance(root, Manifest)
    assert [blob.descriptor.digest for blob in _blobs(root, made.blob)] == [root.layers[1].digest, root.config.digest]
    # Asked for, it is copied like any other, under the same digest.
    whole = Made([HELLO, MORE], image_format=ImageFormat.of(media_type))
    whole.value["layers"][0] = whole.value["layers"][0] | {"mediaType": media_type, "urls": ["https://example.org/x"]}
    foreign = whole.root()
    assert isinstance(foreign, Manifest)
    [copied, _] = copy_manifest(whole, foreign, Kept(), conversion=Conversion(foreign=True)).layers
    assert (copied.digest, copied.urls) == (foreign.layers[0].digest, None)
    assert copied.media_type == layer_media_type(foreign.format, layer_compression(media_type) or Compression.NONE)
    # Without a URL nobody else has it.
    made.value["layers"][0] = layer
    root = made.root()
    assert isinstance(root, Manifest)
    with pytest.raises(NotFound):
        copy_manifest(made, root, Kept())


# -- between real places -----------------------------------------------------------------------------------------------


def layout(folder: Path, made: Made, name: str = "v1") -> str:
    """Write an OCI layout by hand, and give its location."""
    root = made.root()
    made.put(root.raw, root.media_type)
    for digest, content in made.blobs.items():
        path = folder / "blobs" / digest.algorithm / digest.encoded
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    entry = root.descriptor.to_json() | {"annotations": {"org.opencontainers.image.ref.name": name}}
    (folder / "index.json").write_bytes(dump_json({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return f"oci:{folder}:{name}"


def test_from_layout_to_layout(tmp_path: Path) -> None:
    made = Made([HELLO, MORE])
    source = layout(tmp_path / "source", made)
    written = copy_image(source, f"oci:{tmp_path / 'copy'}:v1")
    assert written.raw == made.root().raw
    assert open_image(f"oci:{tmp_path / 'copy'}:v1").digest == made.root().digest
    for file in (tmp_path / "copy" / "blobs").rglob("*"):
        assert not file.is_file() or file.stat().st_nlink == 1, "a layout of somebody else's is not linked to"


def test_all_platforms_or_one(tmp_path: Path) -> None:
    many = Many()
    source = layout(tmp_path / "source", many)
    assert copy_image(source, f"oci:{tmp_path / 'all'}:v1", all_platforms=True).digest == many.root().digest
    one = copy_image(source, f"oci:{tmp_path / 'one'}:v1", platform="linux/arm64")
    assert one.raw == dump_json(many.images["arm64"].value)
    assert isinstance(open_source(f"oci:{tmp_path / 'all'}:v1").root(), Index)


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    made = Made([HELLO, MORE])
    source = layout(tmp_path / "source", made)
    path = tmp_path / "source" / "blobs" / "sha256" / Digest(made.value["layers"][0]["digest"]).encoded
    content = path.read_bytes()
    for damage in (content[:-1] + b"\1", content[:-1], None):
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        for destination in ("oci:new:v1", "oci-archive:new.tar:v1", "docker-archive:new.tar"):
            transport, _, name = destination.partition(":")
            with pytest.raises((ContentMismatch, NotFound)):
                copy_image(source, f"{transport}:{tmp_path / name}")
            assert sorted(file.name for file in tmp_path.iterdir()) == ["source"]
        path.write_bytes(content)
