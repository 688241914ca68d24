"""Docker archives that are damaged, hostile, or no docker archives at all: a clear error, or the right image."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from python_docker.errors import (
    ContentMismatch,
    Error,
    InvalidArchive,
    InvalidDocument,
    InvalidLayer,
    UnsupportedFormat,
)
from python_docker.image import Image
from python_docker.transports.docker.archive import read_archive
from tests.archives import COMPRESSIONS, Content, Symlink, both_members, descriptor, docker_members, image_id, tar_of
from tests.images import digest, image_config, layer_tar

LAYERS = [layer_tar({"etc/greeting": b"hello\n", "bin/large": b"0123456789" * 20_000}), layer_tar({"top": b"x"})]


def read(members: dict[str, Content] | Sequence[tuple[str, Content]] | bytes) -> list[Image]:
    return read_archive(io.BytesIO(members if isinstance(members, bytes) else tar_of(members)))


def test_wrong_diff_id_of_a_plain_layer() -> None:
    other = layer_tar({"top": b"y"})
    (image,) = read(docker_members(LAYERS, stored=[LAYERS[0], other]))
    with pytest.raises(ContentMismatch, match="is damaged"):
        image.list_files()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_wrong_diff_id_of_a_compressed_layer(compression: str) -> None:
    other = COMPRESSIONS[compression](layer_tar({"top": b"y"}))
    with pytest.raises(ContentMismatch, match=r"the tar of layer 'layer1.tar' in the archive is damaged"):
        read(docker_members(LAYERS, stored=[LAYERS[0], other]))


def test_diff_ids_of_the_compressed_bytes() -> None:
    stored = [gzip.compress(layer) for layer in LAYERS]
    with pytest.raises(ContentMismatch, match="is damaged"):
        read(docker_members(LAYERS, stored=stored, config=image_config(stored)))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_truncated_compressed_layer(compression: str) -> None:
    cut = COMPRESSIONS[compression](LAYERS[0])[:-20]
    with pytest.raises((InvalidLayer, ContentMismatch), match=r"layer0.tar"):
        read(docker_members(LAYERS, stored=[cut, LAYERS[1]]))


def test_garbage_after_gzip() -> None:
    with pytest.raises(InvalidLayer, match=r"layer0.tar"):
        read(docker_members(LAYERS, stored=[gzip.compress(LAYERS[0]) + b"garbage", LAYERS[1]]))


def test_another_number_of_diff_ids() -> None:
    with pytest.raises(InvalidDocument, match=r"layers \(1\) that .* and the diff IDs of its config \(2\) must match"):
        read(docker_members(LAYERS, stored=LAYERS[:1]))


@pytest.mark.parametrize("missing", ["layer1.tar", "config.json"])
def test_missing_member(missing: str) -> None:
    members = docker_members(LAYERS)
    del members[missing]
    with pytest.raises(InvalidArchive, match=rf"has no file '{missing}'"):
        read(members)


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd", "..", "", "a" * 100_000, "x/" * 5000])
def test_paths_that_lead_out(path: str) -> None:
    members = docker_members(LAYERS)
    for entry in ({"Config": path, "Layers": []}, {"Config": "config.json", "Layers": ["layer0.tar", path]}):
        with pytest.raises(InvalidArchive, match="has no file"):
            read({**members, "manifest.json": json.dumps([entry]).encode()})


@pytest.mark.parametrize("name", ["{}.json", "sha256:{}", "blobs/sha256/{}"])
def test_config_that_is_not_what_its_name_says(name: str, caplog: pytest.LogCaptureFixture) -> None:
    members = docker_members(LAYERS)
    path = name.format(image_id(LAYERS)[7:])
    config = members.pop("config.json")
    assert isinstance(config, bytes)
    entry = {"Config": path, "Layers": ["layer0.tar", "layer1.tar"]}
    members["manifest.json"] = json.dumps([entry]).encode()
    assert read({**members, path: config})[0].id == image_id(LAYERS)
    assert caplog.text == ""
    [image] = read({**members, path: config.replace(b"layer 0", b"layer 9")})
    assert image.id != image_id(LAYERS)
    assert len(image.layers) == 2
    assert "has a different digest from its name" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"{}", "not the list of images"),
        (b'{"schemaVersion": 2, "layers": []}', "not the list of images"),
        (b'"text"', "not the list of images"),
        (b"[{}]", "malformed at '0.Config'"),
        (b'[{"Config": 5}]', "malformed at '0.Config'"),
        (b'[{"Config": "config.json", "Layers": [null]}]', "malformed at .0.Layers.0"),
        (b'[{"Config": "config.json", "RepoTags": "a:b"}]', "malformed at .0.RepoTags"),
        (b"[null]", "malformed at .0."),
        (b"[" * 10_000, "nested too deeply|not JSON"),
        (b'{"a":' * 10_000, "nested too deeply|not JSON"),
        (b'[{"Config": "a", "Config": "b"}]', "'Config' twice"),
        (b" " * (21 << 20), "at most"),
    ],
)
def test_manifest_json(content: bytes, message: str) -> None:
    with pytest.raises(InvalidDocument, match=message):
        read({**docker_members(LAYERS), "manifest.json": content})


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"rootfs": 3}', b"[" * 10_000, b" " * (5 << 20)])
def test_config(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        read({**docker_members(LAYERS), "config.json": content})


def test_two_different_manifests() -> None:
    members = [*docker_members(LAYERS).items(), ("./manifest.json", b"[]")]
    with pytest.raises(InvalidArchive, match=r"'manifest.json' more than once"):
        read(members)


def test_no_image_archive() -> None:
    with pytest.raises(InvalidArchive, match=r"has no file 'manifest.json' .it has 'notes', 'notes/today'."):
        read({"notes": None, "notes/today": b"rain"})


@pytest.mark.parametrize("path", ["etc/passwd", ".dockerenv", "usr/bin/env"])
def test_the_files_of_a_container(path: str) -> None:
    with pytest.raises(InvalidArchive, match=r"rather than an image .*`docker export` writes those, `docker save`"):
        read({path: b""})


@pytest.mark.parametrize("target", ["/etc/passwd", "../../elsewhere", "nothing"])
def test_a_layer_that_is_a_link_to_nothing(target: str) -> None:
    members = {**docker_members(LAYERS), "layer1.tar": Symlink(target)}
    with pytest.raises(InvalidArchive, match=r"'layer1.tar' is a link to nothing in the archive"):
        read(members)


def test_artifact_alone() -> None:
    manifest = {"config": descriptor("application/vnd.example", b"{}"), "layers": []}
    members = {**both_members(LAYERS, change=manifest), "blobs/sha256/" + digest(b"{}")[7:]: b"{}"}
    del members["manifest.json"]
    with pytest.raises(UnsupportedFormat, match="is not a container image"):
        read(members)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_flipped_bits(data: st.DataObject) -> None:
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
@example(97_088)
def test_truncated_anywhere(cut: int) -> None:
    try:
        images = read(_BOTH[: cut % len(_BOTH)])
        assert [image.list_files() for image in images] == [["etc", "etc/greeting", "top"]] * len(images)
    except Error:
        return
    # Complete but for padding, or for members that nothing needs: one of the two indexes is enough.
    assert cut % len(_BOTH) > min(_BOTH.index(name) for name in (b"manifest.json", b"index.json"))


_TINY = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x"})]
_BOTH = tar_of(both_members(_TINY, stored=[gzip.compress(_TINY[0]), _TINY[1]]))
_PLAIN = tar_of(docker_members(_TINY))
