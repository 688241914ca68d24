"""The config file of an image: what it says, and what is taken for granted where it says nothing."""

from __future__ import annotations

import pytest

from python_docker.errors import InvalidDocument
from python_docker.spec.digest import Digest
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.platform import Platform

DIFF_ID = Digest.of(b"layer")


def test_what_a_config_says() -> None:
    config = ImageConfig.build(
        {
            "architecture": "arm64",
            "os": "linux",
            "variant": "v8",
            "os.version": "10",
            "os.features": ["a"],
            "config": {"Env": ["A=1"]},
            "rootfs": {"type": "layers", "diff_ids": [DIFF_ID]},
            "history": [{"created_by": "make", "empty_layer": True}],
        }
    )
    assert config.platform == Platform("linux", "arm64", "v8")
    assert (config.os_version, config.os_features, config.config) == ("10", ("a",), {"Env": ["A=1"]})
    assert config.rootfs.diff_ids == (DIFF_ID,)
    assert config.history is not None
    assert (config.history[0].created_by, config.history[0].empty_layer) == ("make", True)


def test_without_a_platform_it_is_linux_on_amd64() -> None:
    assert ImageConfig.build({}).platform == Platform("linux", "amd64")


def test_a_diff_id_must_be_a_digest() -> None:
    with pytest.raises(InvalidDocument, match="diff_ids"):
        ImageConfig.build({"rootfs": {"diff_ids": ["latest"]}})
