"""Image: what was read stays as it was until it is changed, and what is changed stays consistent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidDocument, InvalidPath, InvalidReference, NotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.image_config import History
from python_docker.spec.media_types import DOCKER_CONFIG, OCI_CONFIG, ImageFormat
from python_docker.spec.platform import Platform
from python_docker.streams.compression import Compression
from python_docker.tar import TarEntry
from tests.images import layer_tar
from tests.python_docker.documents import CONFIGS, JSON, TEXTS
from tests.python_docker.making import HELLO, MORE, Made, config_of

Change = Callable[[Image], object]


@pytest.fixture(autouse=True)
def _no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def history_is_consistent(image: Image) -> bool:
    """As many diff IDs as layers, and as many entries that made one, if there are any."""
    config = image.config_file
    made = [entry for entry in config.history or () if not entry.empty_layer]
    return (
        list(config.rootfs.diff_ids) == [layer.diff_id for layer in reversed(image.layers)]
        and len(image.manifest.layers) == len(image.layers)
        and (config.history is None or len(made) == len(image.layers))
    )


# -- unchanged ---------------------------------------------------------------------------------------------------------


def look_at_everything(image: Image) -> None:
    """Read what can be read; none of it is a change."""
    for layer in image.layers:
        for field in ("Env", "Cmd", "Entrypoint", "Labels", "ExposedPorts", "Volumes", "User", "WorkingDir"):
            layer.config[field]
        layer.config.to_json()
    _ = (image.config, image.platform, image.created, image.id, image.digest, image.config_blob, repr(image))
    image.copy().config["Env"].append("OF=A COPY")


@given(CONFIGS.filter(lambda value: value["rootfs"]["diff_ids"]), TEXTS | st.none(), st.booleans())
def test_an_unchanged_image_keeps_its_bytes(value: dict[str, Any], annotations: Any, indent: bool) -> None:
    number = len(value["rootfs"]["diff_ids"])
    made = Made([b""] * number, config=value)
    raw = json.dumps(value, indent=2 if indent else None).encode()
    made.value["config"] = made.put(raw, OCI_CONFIG)
    made.value |= {"annotations": annotations, "unknown": 1}
    image = made.image()
    look_at_everything(image)
    assert image.config_file.raw == raw
    assert image.manifest.raw == made.root().raw
    assert (image.id, image.digest) == (Digest.of(raw), made.root().digest)


@pytest.mark.parametrize(
    "fields",
    [
        {"rootfs": {"diff_ids": [Digest.of(HELLO)]}},
        {"config": None, "history": None, "created": None},
        {"config": {"Env": None, "Cmd": [], "Labels": {}, "User": ""}},
        {"history": []},
        {"history": [{"empty_layer": True}]},
        {"history": [{"created_by": "a"}, {"created_by": "too many"}]},
        {"architecture": None, "os": None},
        {"variant": ""},
    ],
)
def test_odd_documents_stay_as_they_are(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(config={**config_of([HELLO]), **fields})
    image = made.image()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    look_at_everything(image)
    assert image.manifest.raw == made.root().raw


def test_a_manifest_of_mixed_types_stays_as_it_is_and_becomes_one_format_when_changed() -> None:
    made = Made(compression=Compression.GZIP, image_format=ImageFormat.DOCKER)
    made.value["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
    made.value["config"]["mediaType"] = OCI_CONFIG
    image = made.image()
    assert image.manifest.raw == made.root().raw
    image.config["User"] = "1000"
    assert image.manifest.layers[0].media_type == "application/vnd.docker.image.rootfs.diff.tar.gzip"
    assert image.manifest.config.media_type == DOCKER_CONFIG


def test_a_change_that_is_taken_back_is_none() -> None:
    made = Made()
    image = made.image()
    image.config["Env"].append("A=1")
    assert image.digest != made.root().digest
    image.config["Env"].remove("A=1")
    layer = image.remove_layer()
    image.layers.insert(0, layer)
    image.annotations["a"] = "b"
    del image.annotations["a"]
    assert image.manifest.raw == made.root().raw


def test_fields_that_mean_nothing_are_no_change() -> None:
    image = Made().image()
    before = image.digest
    image.config["User"] = ""
    image.config["Volumes"] = {}
    image.config["OnBuild"] = None
    assert image.digest == before


# -- changed -----------------------------------------------------------------------------------------------------------

CHANGES: dict[str, Change] = {
    "variable": lambda image: image.config["Env"].append("FOO=BAR"),
    "no variables": lambda image: image.config["Env"].clear(),
    "volume": lambda image: image.config["Volumes"].update({"/data": {}}),
    "port": lambda image: image.config["ExposedPorts"].update({"80/tcp": {}}),
    "empty label": lambda image: image.config["Labels"].update({"a": ""}),
    "null in an unknown field": lambda image: image.config.update({"Unknown": {"a": None}}),
    "empty words": lambda image: image.config["Cmd"].append(""),
    "no command": lambda image: image.config.update({"Cmd": None}),
    "false": lambda image: image.config.update({"Tty": False}),
    "platform": lambda image: setattr(image, "platform", Platform("linux", "arm64", "v8")),
    "created": lambda image: setattr(image, "created", "2021-01-01T00:00:00Z"),
    "annotation": lambda image: image.annotations.update({"a": ""}),
    "layer": lambda image: image.add_layer_contents({"a": b""}),
    "no layer": lambda image: image.remove_layer(),
    "order": lambda image: image.layers.reverse(),
    "format": lambda image: setattr(image, "format", ImageFormat.DOCKER),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen(change: Change) -> None:
    image = Made([HELLO, MORE], annotations={"b": "c"}).image()
    before = image.manifest
    change(image)
    after = image.manifest
    assert after.digest != before.digest
    assert after.config.digest == image.config_file.digest == image.id
    assert after.config.size == image.config_file.size
    assert history_is_consistent(image)


@given(
    st.dictionaries(st.sampled_from(["x", "y", "container", "docker_version"]), JSON, max_size=3),
    st.dictionaries(st.sampled_from(["Healthcheck", "Z", "ArgsEscaped"]), JSON, max_size=3),
)
def test_unknown_fields_survive_changes(top: dict[str, Any], runtime: dict[str, Any]) -> None:
    value = config_of([HELLO], **{key: field for key, field in top.items() if field is not None})
    value["config"] |= runtime
    value["rootfs"]["own"] = 7
    value["history"][0]["own"] = {"a": None}
    made = Made(config=value, unknown={"z": 1})
    made.value["layers"][0]["own"] = 3
    image = made.image()
    image.config["Env"].append("FOO=BAR")
    image.add_layer_contents({"a": b""})
    changed = image.config_file.value()
    assert {key: changed[key] for key in top if top[key] is not None} == {
        key: field for key, field in top.items() if field is not None
    }
    assert changed["config"] == value["config"] | {"Env": ["PATH=/bin", "FOO=BAR"]}
    assert changed["rootfs"]["own"] == 7
    assert changed["history"][0] == value["history"][0]
    manifest = image.manifest.value()
    assert manifest["unknown"] == {"z": 1}
    assert manifest["layers"][0]["own"] == 3


def test_what_refers_to_the_image_as_it_was_goes() -> None:
    made = Made(artifactType="a/b", annotations={"kept": "yes"})
    made.value["subject"] = made.value["config"]
    image = made.image()
    image.config["User"] = "1000"
    value = image.manifest.value()
    assert "subject" not in value
    assert "artifactType" not in value
    assert value["annotations"] == {"kept": "yes"}


def test_docker_s_format_loses_what_only_oci_has() -> None:
    made = Made(annotations={"a": "b"})
    made.value["layers"][0] |= {"annotations": {"c": "d"}, "data": "e30="}
    made.value["config"] |= {"annotations": {"e": "f"}}
    image = made.image()
    image.format = ImageFormat.DOCKER
    text = image.manifest.raw.decode()
    assert "annotations" not in text
    assert "data" not in text
    assert "vnd.oci" not in text
    assert image.id == made.image().id


def test_zstd_has_no_place_in_docker_s_format() -> None:
    image = Made(compression=Compression.ZSTD).image()
    assert image.manifest
    image.format = ImageFormat.DOCKER
    with pytest.raises(UnsupportedFormat, match="zstd"):
        print(image.manifest)


def test_the_time_of_a_changed_image(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Made().image()
    image.config["User"] = "1000"
    assert image.config_file.created == "2020-01-01T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert image.config_file.created == "2023-11-14T22:13:20Z"
    assert Image().config_file.created == "2023-11-14T22:13:20Z"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert Image().config_file.created == "1970-01-01T00:00:00Z"


# -- layers and config -------------------------------------------------------------------------------------------------


def test_a_new_layer_inherits_the_runtime_config() -> None:
    image = Made([HELLO, MORE]).image()
    image.layers[0].config["Env"].append("A=1")
    image.add_layer_contents({"x": b""})
    assert image.layers[0].config["Env"] == ["PATH=/bin", "A=1"]
    image.layers[0].config["Env"].append("FOO=BAR")
    assert image.config_file.config == {"Env": ["PATH=/bin", "A=1", "FOO=BAR"], "Cmd": ["/bin/sh"]}
    assert image.layers[1].config["Env"] == ["PATH=/bin", "A=1"]
    assert image.layers[2].config["Env"] == ["PATH=/bin"]


def test_an_image_without_layers_has_a_config_too() -> None:
    image = Image("hello")
    image.config["Env"].append("A=1")
    assert image.config_file.config == {"Env": ["A=1"]}
    image.add_layer_contents({"x": b""})
    image.config["Env"].append("B=2")
    image.remove_layer()
    assert image.config_file.config == {"Env": ["A=1", "B=2"]}
    with pytest.raises(IndexError, match="no layer to remove"):
        image.remove_layer()


def test_a_copy_is_another_image() -> None:
    image = Made([HELLO, MORE]).image()
    twin = image.copy()
    assert twin.digest == image.digest
    twin.config["Env"].append("A=1")
    twin.add_layer_contents({"x": b""})
    twin.annotations["a"] = "b"
    twin.name = "other"
    twin.platform = Platform("linux", "arm64")
    assert image.manifest.raw == Made([HELLO, MORE]).root().raw
    assert len(image.layers) == 2


STEPS = st.lists(st.sampled_from(["add", "remove", "reverse", "move", "swap in", "clear"]), max_size=8)
HISTORIES: st.SearchStrategy[list[dict[str, Any]] | None] = st.none() | st.lists(
    st.builds(dict, created_by=st.sampled_from("abc"), empty_layer=st.booleans()), max_size=6
)


@given(HISTORIES, STEPS)
def test_history_and_diff_ids_stay_consistent(history: list[dict[str, Any]] | None, steps: list[str]) -> None:
    tars = [layer_tar({str(number): b""}) for number in range(3)]
    image = Made(tars, config=config_of(tars) | {"history": history}).image()
    unchanged = image.id
    other = Made([HELLO]).image()
    for step in steps:
        if step == "add":
            image.add_layer(other.layers[0])
        elif step == "remove" and image.layers:
            image.remove_layer()
        elif step == "reverse":
            image.layers.reverse()
        elif step == "move" and image.layers:
            image.layers.append(image.layers.pop(0))
        elif step == "swap in":
            image.layers.insert(len(image.layers) // 2, other.layers[0])
        elif step == "clear":
            image.layers.clear()
        # What was not changed stays as it was, however odd it is.
        assert history_is_consistent(image) or image.config_file.digest == unchanged


def test_steps_that_made_no_layer_go_with_the_layer_before_them() -> None:
    tars = [HELLO, MORE]
    history = [
        {"created_by": "ARG", "empty_layer": True},
        {"created_by": "hello"},
        {"created_by": "ENV", "empty_layer": True},
        {"created_by": "more"},
        {"created_by": "CMD", "empty_layer": True},
    ]
    image = Made(tars, config=config_of(tars) | {"history": history}).image()
    image.remove_layer()
    assert [entry.created_by for entry in image.config_file.history or ()] == ["ARG", "hello", "ENV"]
    image.remove_layer()
    assert [entry.created_by for entry in image.config_file.history or ()] == ["ARG"]


def test_a_layer_keeps_its_history_and_gets_one_where_it_has_none() -> None:
    image = Made(config=config_of([HELLO]) | {"history": None}).image()
    with build_layer() as builder:
        builder.add(TarEntry("x"), b"")
    assert builder.layer is not None
    image.add_layer(builder.layer, created_by="me")
    image.add_layer(Layer(builder.layer.blob, builder.layer.diff_id, history=(History(comment="mine"),)))
    entries = [entry.to_json() for entry in image.config_file.history or ()]
    assert entries == [{}, {"created": "1970-01-01T00:00:00Z", "created_by": "me"}, {"comment": "mine"}]


def test_config_and_manifest_must_agree() -> None:
    made = Made([HELLO, MORE])
    del made.value["layers"][1]
    with pytest.raises(InvalidDocument, match=r"layers \(1\) and the diff IDs of the image's config \(2\) must match"):
        made.image()


def test_what_is_no_image_is_refused() -> None:
    made = Made()
    made.value["config"]["mediaType"] = "application/x-cfg"
    with pytest.raises(UnsupportedFormat, match="not a container image"):
        made.image()


def test_a_damaged_config_is_told() -> None:
    made = Made()
    digest = Digest(made.value["config"]["digest"])
    made.blobs[digest] = made.blobs[digest].replace(b"amd64", b"amd65")
    with pytest.raises(Exception, match="damaged"):
        made.image()


def test_no_layer_is_read_before_it_is_asked_for() -> None:
    made = Made([HELLO, MORE])
    for layer in made.value["layers"]:
        del made.blobs[layer["digest"]]
    root = made.root()

    def get_blob(descriptor: Any) -> Blob:
        def missing() -> Any:
            raise NotFound

        return made.blob(descriptor) if descriptor.digest in made.blobs else Blob(descriptor, missing)

    image = Image.from_manifest(root, get_blob)  # type: ignore[arg-type]
    image.config["Env"].append("A=1")
    image.remove_layer()
    assert image.manifest.layers[0].digest == made.value["layers"][0]["digest"]


def test_an_image_needs_a_name_only_where_one_is_needed() -> None:
    image = Image("My Own+Name", "tag@1")
    assert image.manifest
    with pytest.raises(InvalidReference):
        print(image.reference)
    with pytest.raises(InvalidReference, match="has no name"):
        print(Image().reference)
    assert Image("ubuntu", "24.04").reference.familiar == "ubuntu:24.04"
    assert Image("ubuntu").reference.tag == "latest"


def test_the_platform_of_a_new_image() -> None:
    assert Image().platform == Platform("linux", "amd64")
    image = Image(platform=Platform("linux", "arm", "v7"))
    assert image.config_file.platform == Platform("linux", "arm", "v7")
    image.platform = Platform("linux", "s390x")
    assert image.config_file.value()["architecture"] == "s390x"
    assert "variant" not in image.config_file.value()


@pytest.mark.parametrize("names", [{"os": None}, {"architecture": None}, {"os": "Linux", "architecture": "x86_64"}])
def test_a_changed_image_names_its_platform_as_the_specification_does(names: dict[str, str | None]) -> None:
    image = Made(config=config_of([HELLO], **names)).image()
    assert image.config_file.value().get("os") == names.get("os", "linux")
    image.config.set_variable("A", "1")
    assert (image.config_file.os, image.config_file.architecture) == ("linux", "amd64")


# -- files -------------------------------------------------------------------------------------------------------------


def test_the_example_of_earlier_releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_bytes(b"content")
    (tmp_path / "a.txt").write_bytes(b"a")
    monkeypatch.chdir(tmp_path)
    image = Made([HELLO, MORE]).image()
    image.remove_layer()
    image.name = "this-is-a-test"
    image.add_layer_path("./")
    image.add_layer_contents({"/this/is/a/test1": b"this is test 1", "this/is/a/test2": b"this is test 2"})
    image.layers[0].config["Env"].append("FOO=BAR")
    assert len(image.layers) == 3
    assert [sorted(layer.list_files()) for layer in image.layers] == [
        ["this", "this/is", "this/is/a", "this/is/a/test1", "this/is/a/test2"],
        ["a.txt", "sub", "sub/file"],
        ["etc", "etc/greeting"],
    ]
    assert image.config_file.config == {"Env": ["PATH=/bin", "FOO=BAR"], "Cmd": ["/bin/sh"]}
    assert history_is_consistent(image)
    filesystem = image.filesystem()
    assert filesystem.read("/this/is/a/test1") == b"this is test 1"
    assert filesystem.read("sub/file") == b"content"
    assert "usr/share/doc/readme" not in filesystem
    assert image.list_files() == sorted({path for layer in image.layers for path in layer.list_files()})


def test_paths_on_this_machine_that_lead_upwards_need_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    with pytest.raises(InvalidPath, match=r"'\.\.'"):
        Image().add_layer_path("../file")
    assert Image().add_layer_path("../file", "x/file").list_files() == ["x", "x/file"]


SAME_BYTES = """
import os, sys
from python_docker.streams.compression import Compression
from python_docker.image import Image
image = Image("hello", "v1")
image.add_layer_path(sys.argv[1], "/srv")
image.add_layer_contents({f"/data/{n}": bytes(n) for n in range(200)})
image.config["Labels"].update({f"label{n}": "x" for n in range(20)})
image.annotations.update({f"org.example.{n}": "x" for n in range(20)})
image.layers[0].config["Env"].append("A=1")
zstd = [layer.compressed(Compression.ZSTD) for layer in image.layers]
print(image.digest, [layer.digest for layer in zstd])
"""


def test_every_process_makes_the_same_bytes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("b", "a", "c.d", "c", "\u00e9"):
        (tree / name).mkdir(parents=True)
        (tree / name / "file").write_text(name)
        (tree / name / "link").symlink_to("file")
    os.link(tree / "a" / "file", tree / "b" / "twin")
    for path in sorted(tree.rglob("*"), reverse=True):
        if not path.is_symlink():
            path.chmod(0o755)
            os.utime(path, (0, 1_600_000_000))
    outputs = set()
    for number, variables in enumerate(
        [
            {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
            {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
            {"PYTHONHASHSEED": "2", "LANG": "de_DE.ISO-8859-1", "TZ": "America/Lima", "PYTHONUTF8": "1"},
        ]
    ):
        folder = tmp_path / f"here-{number}"
        folder.mkdir()
        ended = subprocess.run(
            [sys.executable, "-c", SAME_BYTES, str(tree)],
            cwd=folder,
            env={**os.environ, **variables},
            umask=(0o022, 0o077, 0o000)[number],
            capture_output=True,
            check=True,
            text=True,
        )
        outputs.add(ended.stdout)
        assert list(folder.iterdir()) == []
    assert len(outputs) == 1
    assert outputs.pop().startswith("sha256:")


def test_a_config_that_registries_would_refuse_is_not_written() -> None:
    image = Image("hello", "1")
    image.add_layer_contents({"a": b"a"})
    image.config["Labels"]["large"] = "x" * (4 << 20)
    with pytest.raises(InvalidDocument, match="the image's config would have"):
        _ = image.config_file


def test_contents_and_places_of_a_wrong_type_are_named() -> None:
    image = Image("a")
    with pytest.raises(TypeError, match="contents must be Mapping, not int: 5"):
        image.add_layer_contents(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"contents\['a'\] must be bytes, not str: 'text'; text needs .encode\(\)"):
        image.add_layer_contents({"a": "text"})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="arcpath must be str, not int: 5"):
        image.add_layer_path("src", arcpath=5)  # type: ignore[arg-type]
