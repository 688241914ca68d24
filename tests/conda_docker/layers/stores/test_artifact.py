"""Entries of a layer repository, as artifacts."""

from __future__ import annotations

import json

import pytest

from conda_docker.layers.stores.artifact import (
    FACTS_TYPE,
    LAYER_TYPE,
    USED,
    artifact_manifest,
    config_in,
    plan_tag,
    today,
    used_on,
)
from python_docker.errors import ContentMismatch
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest

LAYER = Descriptor.of(b"layer", "application/vnd.oci.image.layer.v1.tar+gzip")


def test_a_small_config_stands_in_the_manifest() -> None:
    manifest = artifact_manifest(LAYER_TYPE, b"{}", [LAYER])
    assert (manifest.artifact_type, manifest.config.media_type) == (LAYER_TYPE, FACTS_TYPE)
    assert [layer.digest for layer in manifest.layers] == [LAYER.digest]
    assert config_in(manifest, "here") == b"{}"


def test_a_large_config_does_not() -> None:
    manifest = artifact_manifest(LAYER_TYPE, b" " * ((1 << 20) + 1), [])
    assert manifest.config.data is None
    assert config_in(manifest, "here") is None


@pytest.mark.parametrize(("data", "error"), [("e30K", ContentMismatch), ("?", ValueError)])
def test_a_config_that_is_not_what_its_digest_says_is_refused(data: str, error: type[Exception]) -> None:
    value = json.loads(artifact_manifest(LAYER_TYPE, b"{}", []).raw)
    value["config"]["data"] = data
    with pytest.raises(error):
        config_in(Manifest.build(value), "here")


def test_an_entry_says_when_it_was_of_use() -> None:
    manifest = artifact_manifest(LAYER_TYPE, b"{}", [])
    assert used_on(manifest) == today()
    value = json.loads(manifest.raw)
    del value["annotations"][USED]
    assert used_on(Manifest.build(value)) == ""


def test_the_order_of_layers_makes_no_other_environment() -> None:
    assert plan_tag(["a", "b"]) == plan_tag(["b", "a"]) != plan_tag(["a"])
