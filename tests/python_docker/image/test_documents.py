"""An image's documents are its source's own while nothing has changed, else written anew with all unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from python_docker.image import Image
from python_docker.image.documents import (
    SourceDocuments,
    config_value,
    platform_of,
    with_platform,
    write_config,
    write_manifest,
)
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.runtime_config import RuntimeConfig
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.platform import Platform

VALUE: Mapping[str, Any] = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"diff_ids": []}}


def source_of(image: Image, said: Mapping[str, Any] = VALUE) -> SourceDocuments:
    return SourceDocuments(image.manifest, image.config_file, None, said)


def image() -> Image:
    made = Image("hello", "v1")
    made.add_layer_contents({"/greeting": b"hello"})
    return made


def test_a_config_says_what_the_layers_are() -> None:
    layers = image().layers
    value = config_value({"author": "me"}, RuntimeConfig({"User": "app"}), layers, ())
    assert (value["author"], value["config"]) == ("me", {"User": "app"})
    assert value["rootfs"] == {"type": "layers", "diff_ids": [layers[0].diff_id]}


@pytest.mark.parametrize(
    "value",
    [dict(VALUE), {**VALUE, "author": ""}, {**VALUE, "history": None}, {**VALUE, "config": {"Env": None}}],
    ids=["the same", "an empty field", "null", "null in config"],
)
def test_a_config_that_says_the_same_is_the_sources_own(value: Mapping[str, Any]) -> None:
    source = source_of(image())
    assert write_config(value, source) is source.config


def test_a_config_that_says_something_else_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    written = write_config({**VALUE, "author": "me", "unknown": 1}, source_of(image()))
    assert (written.author, written.value()["unknown"], written.created) == ("me", 1, "1970-01-01T00:00:00Z")


def test_the_time_of_a_config_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert write_config({**VALUE, "created": "2020-01-01T00:00:00Z"}, None).created == "1970-01-02T00:00:00Z"


def test_platforms_are_named_as_the_specification_has_them() -> None:
    written = write_config({**VALUE, "architecture": "x86_64"}, None)
    assert (written.architecture, written.os) == ("amd64", "linux")


def test_a_stated_platform_takes_the_place_of_the_one_before() -> None:
    fields = with_platform({"os": "linux", "architecture": "arm", "variant": "v7", "a": 1}, Platform("linux", "amd64"))
    assert fields == {"architecture": "amd64", "os": "linux", "a": 1}
    assert platform_of({}) == Platform("linux", "amd64")


def test_a_manifest_of_an_unchanged_image_is_the_sources_own() -> None:
    made = image()
    source = source_of(made)
    layers = list(reversed(made.layers))
    assert write_manifest(source.config, layers, {}, source.manifest.format, source) is source.manifest


def test_a_changed_manifest_keeps_what_still_holds() -> None:
    made = image()
    manifest = made.manifest
    raw = manifest.build(
        {
            **manifest.value(),
            "mediaType": ImageFormat.OCI.manifest_type,
            "unknown": 1,
            "artifactType": "application/x",
            "subject": manifest.config.to_json(),
        }
    )
    source = SourceDocuments(raw, made.config_file, None, VALUE)
    config = ImageConfig.build({**made.config_file.value(), "author": "me"})
    written = write_manifest(config, list(reversed(made.layers)), {"b": "2", "a": "1"}, ImageFormat.OCI, source)
    value = written.value()
    assert (value["unknown"], list(value["annotations"]), value["config"]["digest"]) == (1, ["a", "b"], config.digest)
    assert not {"subject", "artifactType"} & value.keys()
