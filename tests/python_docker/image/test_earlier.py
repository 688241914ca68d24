"""Names of python-docker 0.2: what programs that were written for it find."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

import python_docker.tar
from python_docker.base import Image
from python_docker.streams.compression import Compression
from python_docker.utils import sorted_json_dumps

earlier_tar: Any = python_docker.tar  # its earlier names are made when they are asked for


@pytest.fixture
def image() -> Image:
    image = Image("hello", "v1")
    image.add_layer_contents({"/greeting": b"hello"}, base_id="ignored")
    return image


def test_a_layer_in_memory(image: Image) -> None:
    [layer] = image.layers
    assert layer._content == layer.content
    assert layer.checksum == hashlib.sha256(layer.content).hexdigest()
    assert gzip.decompress(layer.compressed_content) == layer.content
    assert layer.compressed_checksum == hashlib.sha256(layer.compressed_content).hexdigest() == layer.id
    assert layer.compressed_size == len(layer.compressed_content) == layer.size
    for tar in (layer.tar, layer.targz):
        with tar:
            assert tar.getnames() == ["greeting"]


def test_a_layer_that_is_stored_otherwise_is_compressed_by_gzip(image: Image) -> None:
    plain = image.layers[0].compressed(Compression.NONE)
    assert plain.compressed_content == image.layers[0].compressed_content
    assert plain.compressed_checksum == image.layers[0].digest.encoded


def test_manifest_and_config_with_their_digests(image: Image) -> None:
    documents = image.manifest_v2
    for raw, digest in documents.values():
        assert hashlib.sha256(raw).hexdigest() == digest
    assert json.loads(documents["manifest"][0])["config"]["digest"] == f"sha256:{documents['config'][1]}"


def test_keywords_of_earlier_releases(image: Image, tmp_path: Path) -> None:
    image.write_file(filename=tmp_path / "a.tar", version="v1")
    [again] = Image.from_file(filename=tmp_path / "a.tar")
    assert again.list_files() == ["greeting"]
    image.add_layer_paths(paths={tmp_path / "a.tar": "/a.tar"}, base_id="x")
    image.add_layer_path(tmp_path / "a.tar", "/b.tar", base_id="x")
    assert image.list_files() == ["a.tar", "b.tar", "greeting"]


def test_tars_of_layers(image: Image, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    contents = earlier_tar.write_tar_from_contents({"x/y": b"1"})
    paths = earlier_tar.write_tar_from_paths({tmp_path / "a": "/b"})
    path = earlier_tar.write_tar_from_path(tmp_path / "a", "/c")
    for raw, names in ((contents, ["x", "x/y"]), (paths, ["b"]), (path, ["c"])):
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            assert tar.getnames() == names
    earlier_tar.write_v1(image, tmp_path / "v1.tar")
    with tarfile.open(tmp_path / "v1.tar") as tar:
        assert "repositories" in tar.getnames()
        [again] = earlier_tar.parse_v1(tar)
        assert (again.name, again.tag, again.list_files()) == ("hello", "v1", ["greeting"])


def test_json_with_sorted_keys() -> None:
    assert sorted_json_dumps({"b": 1, "a": [2]}) == b'{"a": [2], "b": 1}'
