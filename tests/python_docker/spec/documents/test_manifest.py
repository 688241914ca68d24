"""Descriptor, manifest, index, config: what is read, kept and refused."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.spec import media_types
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import History, ImageConfig
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.platform import Platform
from python_docker.spec.strict_json import dump_json
from tests.python_docker import documents

DIGEST = Digest.of(b"{}")
CONFIG = {"mediaType": media_types.OCI_CONFIG, "digest": DIGEST, "size": 2}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": Digest.of(b""), "size": 0}
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": media_types.OCI_MANIFEST,
    "config": CONFIG,
    "layers": [LAYER],
}


def styles(value: Any) -> list[bytes]:
    """The same document as different tools write it."""
    return [
        json.dumps(value).encode(),
        json.dumps(value, indent=3, ensure_ascii=False).encode(),
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n",
    ]


@given(documents.OCI_MANIFESTS)
def test_a_manifest_keeps_its_bytes_and_unknown_fields(value: dict[str, Any]) -> None:
    for raw in styles(value):
        manifest = parse_manifest(raw)
        assert isinstance(manifest, Manifest)
        assert (manifest.raw, manifest.digest, manifest.size) == (raw, Digest.of(raw), len(raw))
        assert manifest.value() == value
        assert [layer.to_json() for layer in manifest.layers] == (value["layers"] or [])
        assert manifest.config.to_json() == value["config"]


@given(documents.OCI_INDEXES)
def test_an_index_keeps_its_bytes_and_unknown_fields(value: dict[str, Any]) -> None:
    for raw in styles(value):
        index = parse_manifest(raw)
        assert isinstance(index, Index)
        assert (index.raw, index.value()) == (raw, value)
        assert [manifest.to_json() for manifest in index.manifests] == value["manifests"]


@given(documents.CONFIGS)
def test_a_config_keeps_its_bytes_and_unknown_fields(value: dict[str, Any]) -> None:
    for raw in styles(value):
        config = ImageConfig.parse(raw)
        assert (config.raw, config.digest, config.value()) == (raw, Digest.of(raw), value)
        assert config.rootfs.diff_ids == tuple(value["rootfs"]["diff_ids"])
        assert [entry.to_json() for entry in config.history or ()] == (value.get("history") or [])


@given(documents.descriptors(["a/b"]))
def test_a_descriptor_keeps_unknown_fields(value: dict[str, Any]) -> None:
    descriptor = Descriptor.from_json(value)
    assert descriptor.to_json() == value
    changed = descriptor.replace(media_type="c/d", size=7)
    kept = {key: field for key, field in value.items() if field is not None}
    assert changed.to_json() == kept | {"mediaType": "c/d", "size": 7}


def test_replacing_by_none_removes_a_field() -> None:
    descriptor = Descriptor.new("a/b", DIGEST, 2, {"x": "y"})
    assert descriptor.replace(annotations=None) == Descriptor.new("a/b", DIGEST, 2)
    assert "annotations" not in descriptor.replace(annotations=None).to_json()


def test_docker_s_descriptors_lose_what_only_oci_has() -> None:
    descriptor = Descriptor(
        media_type=str(LAYER["mediaType"]),
        digest=DIGEST,
        size=2,
        annotations={"a": "b"},
        data="e30=",
        urls=("http://x",),
    )
    docker = descriptor.retyped("application/vnd.docker.image.rootfs.diff.tar.gzip").to_json()
    assert docker == {
        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "digest": DIGEST,
        "size": 2,
        "urls": ["http://x"],
    }
    assert descriptor.retyped("application/vnd.oci.image.layer.v1.tar").annotations == {"a": "b"}


@given(st.binary())
def test_the_descriptor_of_content(content: bytes) -> None:
    descriptor = Descriptor.of(content, "a/b")
    assert (descriptor.digest, descriptor.size) == (Digest.of(content), len(content))


def test_descriptors_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Descriptor.of(b"", "a/b").size = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, Platform("linux", "arm64", "v8")),
        ({"os": "linux", "architecture": "amd64", "variant": ""}, Platform("linux", "amd64")),
        ({"os": "linux"}, None),
        ({"os": 1, "architecture": 2}, None),
        (None, None),
    ],
)
def test_the_platform_of_a_descriptor(platform: dict[str, Any] | None, expected: Platform | None) -> None:
    value = {**CONFIG, "platform": platform}
    assert Descriptor.from_json(value).get_platform() == expected


@pytest.mark.parametrize(
    "change",
    [
        {"schemaVersion": 3},
        {"schemaVersion": "2"},
        {"config": None},
        {"config": {**CONFIG, "size": -1}},
        {"config": {**CONFIG, "size": "2"}},
        {"config": {**CONFIG, "size": 2.0}},
        {"config": {**CONFIG, "size": True}},
        {"config": {**CONFIG, "size": 2**63}},
        {"config": {**CONFIG, "digest": "sha256:abc"}},
        {"config": {**CONFIG, "digest": 7}},
        {"config": {"media_type": "a/b", "digest": DIGEST, "size": 2}},
        {"layers": {}},
        {"layers": "x"},
        {"layers": [None]},
        {"layers": [{**LAYER, "mediaType": None}]},
        {"annotations": {"a": 1}},
        {"mediaType": 5},
    ],
)
def test_malformed_manifests_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        parse_manifest(dump_json(MANIFEST | change))


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"5", b"<html></html>", b""])
def test_what_is_no_object_is_no_manifest(raw: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse_manifest(raw)


def test_the_message_names_document_and_place() -> None:
    with pytest.raises(InvalidDocument, match=r"manifest of demo\.tar is malformed at 'layers\.0\.digest'"):
        parse_manifest(dump_json(MANIFEST | {"layers": [{**LAYER, "digest": "?"}]}), what="the manifest of demo.tar")


def test_a_document_that_could_be_both_manifest_and_index_is_refused() -> None:
    fields: dict[str, Any]
    for fields in ({"layers": []}, {"config": CONFIG}):
        value = {"schemaVersion": 2, "manifests": [], **fields}
        with pytest.raises(InvalidDocument, match="ambiguous"):
            parse_manifest(dump_json(value))


def test_a_manifest_must_be_what_its_place_says() -> None:
    with pytest.raises(InvalidDocument, match="but was given as"):
        parse_manifest(dump_json(MANIFEST), media_types.OCI_INDEX)
    with pytest.raises(InvalidDocument):
        parse_manifest(dump_json({**MANIFEST, "mediaType": None}), media_types.OCI_INDEX)


def test_a_manifest_without_a_media_type_is_told_by_its_place_or_its_fields() -> None:
    bare = {key: value for key, value in MANIFEST.items() if key != "mediaType"}
    assert parse_manifest(dump_json(bare)).media_type == media_types.OCI_MANIFEST
    assert parse_manifest(dump_json(bare), media_types.DOCKER_MANIFEST).media_type == media_types.DOCKER_MANIFEST
    assert parse_manifest(dump_json({"schemaVersion": 2, "manifests": []})).media_type == media_types.OCI_INDEX


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ({"schemaVersion": 1, "name": "x"}, None),
        ({"schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, None),
        ({}, "application/vnd.docker.distribution.manifest.v1+json"),
    ],
)
def test_schema_1_is_refused_by_name(value: dict[str, Any], media_type: str | None) -> None:
    with pytest.raises(UnsupportedFormat, match="schema 1"):
        parse_manifest(dump_json(value), media_type)


def test_other_types_are_no_image() -> None:
    with pytest.raises(UnsupportedFormat, match=r"'application/json', which is not that of an image"):
        parse_manifest(dump_json(MANIFEST | {"mediaType": "application/json"}))


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_a_new_manifest_is_in_the_words_of_its_format(image_format: ImageFormat) -> None:
    manifest = Manifest.new(
        image_format, Descriptor.from_json(CONFIG), [Descriptor.from_json(LAYER)], {"b": "", "a": ""}
    )
    again = parse_manifest(manifest.raw, image_format.manifest_type)
    assert again == manifest
    assert manifest.format is image_format
    assert list(manifest.annotations or {}) == (["a", "b"] if image_format is ImageFormat.OCI else [])
    assert manifest.descriptor == Descriptor.of(manifest.raw, image_format.manifest_type)


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_a_new_index_is_in_the_words_of_its_format(image_format: ImageFormat) -> None:
    index = Index.new(image_format, [Descriptor.from_json(CONFIG)], {"a": "b"})
    assert parse_manifest(index.raw, image_format.index_type) == index
    assert index.format is image_format
    assert index.annotations == ({"a": "b"} if image_format is ImageFormat.OCI else None)


def test_the_platform_of_a_config() -> None:
    assert ImageConfig.parse(b'{"os":"linux","architecture":"arm","variant":"v7"}').platform == Platform(
        "linux", "arm", "v7"
    )
    assert ImageConfig.parse(b"{}").platform == Platform("linux", "amd64")


@pytest.mark.parametrize("raw", [b'{"rootfs":{"diff_ids":null}}', b'{"rootfs":{"type":null,"diff_ids":[]}}', b"{}"])
def test_go_s_null_lists_are_empty(raw: bytes) -> None:
    assert ImageConfig.parse(raw).rootfs.diff_ids == ()


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"rootfs": {"diff_ids": ["x"]}},
        {"history": [1]},
        {"history": [{"empty_layer": "true"}]},
        {"config": []},
        {"created": 5},
        {"os": ["linux"]},
        {"os.version": 10},
        {"os.features": "win32k"},
        {"os.features": [1]},
    ],
)
def test_malformed_configs_are_refused(value: Any) -> None:
    with pytest.raises(InvalidDocument):
        ImageConfig.parse(dump_json(value))


def test_too_many_layers_are_refused_before_anything_is_made_of_them() -> None:
    with pytest.raises(InvalidDocument):
        parse_manifest(dump_json(MANIFEST | {"layers": 10_001 * [LAYER]}))


def test_a_history_entry_says_what_is_set() -> None:
    assert History(created_by="x").to_json() == {"created_by": "x"}
    assert History().to_json() == {}


def test_documents_are_equal_when_their_bytes_are() -> None:
    one, other = parse_manifest(dump_json(MANIFEST)), parse_manifest(dump_json(MANIFEST))
    assert one.digest
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse_manifest(dump_json(MANIFEST) + b" ")
    bare = dump_json({key: value for key, value in MANIFEST.items() if key != "mediaType"})
    assert parse_manifest(bare) != parse_manifest(bare, media_types.DOCKER_MANIFEST)
