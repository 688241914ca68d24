"""The v1 layout of docker archives, both ways."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from python_docker.errors import ContentMismatch, InvalidArchive, InvalidDocument, InvalidReference, UnsupportedFormat
from python_docker.image import Image
from python_docker.spec.documents.image_config import History
from python_docker.transports.docker.archive import read_archive, write_archive
from tests.archives import Content, Symlink, docker_members, members_of, tar_of
from tests.images import digest, hello_config, image_config, layer_tar

LAYERS = [layer_tar({"bottom": b"1"}), layer_tar({"middle": b"2"}), layer_tar({"top": b"3"})]
IDS = [f"{number:064x}" for number in (10, 11, 12)]


def v1_members(
    *, stored: list[bytes] | None = None, repositories: Any = None, top: dict[str, Any] | None = None
) -> dict[str, Content]:
    """The members of an archive as Docker before 1.10 wrote it: three layers, one image."""
    members: dict[str, Content] = {}
    for number, content in enumerate(stored or LAYERS):
        fields: dict[str, Any] = {"id": IDS[number], "created": f"2015-01-0{number + 1}T00:00:00Z", "Size": 5}
        if number:
            fields["parent"] = IDS[number - 1]
        fields["container_config"] = {"Cmd": ["/bin/sh", "-c", f"#(nop) step {number}"]}
        if number == 2:
            fields |= {"os": "linux", "architecture": "amd64", "config": hello_config()} | (top or {})
        members[f"{IDS[number]}/"] = None
        members[f"{IDS[number]}/VERSION"] = b"1.0"
        members[f"{IDS[number]}/json"] = json.dumps(fields).encode()
        members[f"{IDS[number]}/layer.tar"] = content
    if repositories is not False:
        members["repositories"] = json.dumps(repositories or {"hello": {"v1": IDS[2]}}).encode()
    return members


def read(members: dict[str, Content]) -> list[Image]:
    return read_archive(io.BytesIO(tar_of(members)))


def rewritten(members: dict[str, Content], name: str, **fields: Any) -> dict[str, Content]:
    value = json.loads(members[name])  # type: ignore[arg-type]
    return {**members, name: json.dumps({**value, **fields}).encode()}


class TestReading:
    def test_image(self) -> None:
        (image,) = read(v1_members())
        assert (image.name, image.tag) == ("hello", "v1")
        assert [layer.diff_id for layer in image.layers] == [digest(layer) for layer in reversed(LAYERS)]
        assert image.list_files() == ["bottom", "middle", "top"]
        assert image.config == hello_config()
        assert not {"id", "parent", "Size"} & set(image.config_file.value())

    def test_history(self) -> None:
        (image,) = read(v1_members())
        assert image.config_file.history == tuple(
            History(created=f"2015-01-0{number + 1}T00:00:00Z", created_by=f"/bin/sh -c #(nop) step {number}")
            for number in range(3)
        )

    @pytest.mark.parametrize("compress", [gzip.compress])
    def test_compressed_layers(self, compress: Any) -> None:
        (image,) = read(v1_members(stored=[compress(layer) for layer in LAYERS]))
        assert image.list_files() == ["bottom", "middle", "top"]
        assert [layer.diff_id for layer in image.layers] == [digest(layer) for layer in reversed(LAYERS)]

    def test_layer_that_is_a_link(self) -> None:
        members = v1_members()
        members[f"{IDS[1]}/layer.tar"] = Symlink(f"../{IDS[0]}/layer.tar")
        (image,) = read(members)
        assert [layer.list_files() for layer in image.layers] == [["top"], ["bottom"], ["bottom"]]

    def test_several_names(self) -> None:
        images = read(v1_members(repositories={"a": {"v1": IDS[2], "v2": IDS[1]}, "example.com/b": {"v1": IDS[2]}}))
        assert [(image.name, image.tag, len(image.layers)) for image in images] == [("a", "v1", 3), ("a", "v2", 2)]

    def test_without_repositories(self) -> None:
        (image,) = read(v1_members(repositories=False))
        assert (image.name, image.list_files()) == ("", ["bottom", "middle", "top"])

    @pytest.mark.parametrize("name", ["json", "layer.tar"])
    def test_missing_member(self, name: str) -> None:
        members = v1_members()
        del members[f"{IDS[1]}/{name}"]
        with pytest.raises(InvalidArchive, match=rf"has no file '{IDS[1]}/{name}'"):
            read(members)

    @pytest.mark.parametrize("number", [0, 2])
    def test_circle_of_parents(self, number: int) -> None:
        members = rewritten(v1_members(), f"{IDS[0]}/json", parent=IDS[number])
        with pytest.raises(InvalidArchive, match="lead in a circle"):
            read(members)

    @pytest.mark.parametrize("content", [b"", b"[]", b"3", b'{"hello": "v1"}', b'{"hello": {"v1": 5}}', b"[" * 10_000])
    def test_repositories(self, content: bytes) -> None:
        with pytest.raises(InvalidDocument, match="repositories of the archive"):
            read({**v1_members(), "repositories": content})

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"parent": 5}', b"{" * 10_000])
    def test_layers_json(self, content: bytes) -> None:
        with pytest.raises(InvalidDocument, match=f"'{IDS[2]}/json' in the archive"):
            read({**v1_members(), f"{IDS[2]}/json": content})

    @pytest.mark.parametrize("top", ["../../etc", "", "x" * 200, "/"])
    def test_id_that_is_none(self, top: str) -> None:
        with pytest.raises(InvalidArchive, match="not an ID of 64"):
            read(v1_members(repositories={"hello": {"v1": top}}))
        with pytest.raises(InvalidArchive, match="not an ID of 64"):
            read(rewritten(v1_members(), f"{IDS[1]}/json", parent=top or "x"))


def image(name: str = "hello:v1", layers: list[bytes] | None = None, *, compressed: bool = False) -> Image:
    layers = LAYERS if layers is None else layers
    stored = [gzip.compress(layer) for layer in layers] if compressed else layers
    members = docker_members(layers, stored=stored, tags=[name] if name else [], runtime=hello_config())
    (found,) = read(members)
    return found


def written(*images: Image) -> dict[str, bytes]:
    file = io.BytesIO()
    write_archive(images, file, version="v1")
    return members_of(file.getvalue())


class TestWriting:
    def test_members(self) -> None:
        members = written(image())
        top = json.loads(members["repositories"])["hello"]["v1"]
        chain = []
        layer: str | None = top
        while layer:
            fields = json.loads(members[f"{layer}/json"])
            assert (fields["id"], members[f"{layer}/VERSION"]) == (layer, b"1.0")
            chain.append(layer)
            layer = fields.get("parent")
        assert [members[f"{layer}/layer.tar"] for layer in reversed(chain)] == LAYERS
        assert json.loads(members[f"{top}/json"])["config"] == hello_config()
        config = f"{image().id.encoded}.json"
        assert members[config] == image_config(LAYERS, hello_config())
        assert json.loads(members["manifest.json"]) == [
            {"Config": config, "RepoTags": ["hello:v1"], "Layers": [f"{layer}/layer.tar" for layer in reversed(chain)]}
        ]

    @pytest.mark.parametrize("compressed", [False, True])
    def test_round_trip(self, compressed: bool) -> None:
        (again,) = read({**written(image(compressed=compressed))})
        assert (again.id, again.name, again.tag) == (image().id, "hello", "v1")
        assert again.list_files() == ["bottom", "middle", "top"]

    def test_round_trip_without_manifest_json(self) -> None:
        members: dict[str, Content] = {**written(image())}
        del members["manifest.json"]
        (again,) = read(members)
        assert again.list_files() == ["bottom", "middle", "top"]
        assert again.config == hello_config()
        assert again.config_file.history == image().config_file.history

    def test_same_bytes_each_time(self) -> None:
        assert written(image(compressed=True)) == written(image())

    def test_shared_layers_are_written_once(self) -> None:
        members = written(image("a:v1"), image("b:v1", LAYERS[:1]), image("c:v1", [*LAYERS[:2], LAYERS[0]]))
        assert len([name for name in members if name.endswith("/layer.tar")]) == 5
        again = read({**members})
        assert [one.list_files() for one in again] == [["bottom", "middle", "top"], ["bottom"], ["bottom", "middle"]]

    def test_image_without_a_name(self) -> None:
        members = written(image(""))
        assert "repositories" not in members
        assert json.loads(members["manifest.json"])[0]["RepoTags"] is None

    def test_one_name_for_two_images(self) -> None:
        with pytest.raises(InvalidReference, match="both be called hello:v1"):
            written(image(), image(layers=LAYERS[:1]))

    def test_no_layers(self) -> None:
        with pytest.raises(UnsupportedFormat, match="without layers"):
            written(Image("hello", "v1"))

    def test_damaged_layer(self) -> None:
        other = [LAYERS[0], LAYERS[1], layer_tar({"top": b"4"})]
        (damaged,) = read(docker_members(LAYERS, stored=other))
        with pytest.raises(ContentMismatch):
            written(damaged)
