"""Names of earlier releases."""

from __future__ import annotations

import hashlib
from pathlib import Path

import python_docker
from python_docker.base import Image, Layer
from tests.images import layer_tar, write_docker_archive


def test_they_are_the_classes_of_today() -> None:
    assert (Image, Layer) == (python_docker.Image, python_docker.Layer)


def test_a_layers_content_is_its_tar(tmp_path: Path) -> None:
    tar = layer_tar({"a/b": b"c" * 3_000_000})
    write_docker_archive(tmp_path / "x.tar", [tar])
    [image] = Image.from_file(tmp_path / "x.tar")
    [layer] = image.layers
    assert layer.content == tar
    assert layer.checksum == hashlib.sha256(tar).hexdigest()


def test_files_are_named_or_given_open(tmp_path: Path) -> None:
    image = Image("x", "v1")
    image.add_layer_contents({"a": b"b"})
    image.write_file(str(tmp_path / "named.tar"))
    with (tmp_path / "given.tar").open("wb") as file:
        image.write_file(file)
    assert (tmp_path / "named.tar").read_bytes() == (tmp_path / "given.tar").read_bytes()
    with (tmp_path / "given.tar").open("rb") as file:
        [given] = Image.from_file(file)
        assert given.digest == image.digest
