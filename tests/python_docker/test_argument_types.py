"""Arguments of the wrong type are named."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from python_docker import (
    Compression,
    Conversion,
    Digest,
    Image,
    ImageReference,
    Location,
    Platform,
    Registry,
    RegistryOptions,
    copy_image,
    open_image,
    validate,
    write_image,
)
from python_docker.argument_types import (
    check_callable,
    check_method,
    check_number,
    check_optional,
    check_path,
    check_type,
)
from python_docker.spec.media_types import ImageFormat


def test_a_value_of_another_type_is_named_with_where_one_comes_from() -> None:
    check_type("image", "x", str)
    with pytest.raises(TypeError, match=r"^image must be int, not str: 'x'; look there$"):
        check_type("image", "x", int, "look there")


def test_none_is_for_what_is_optional() -> None:
    check_optional("platform", None, str)
    with pytest.raises(TypeError, match=r"^platform must be str, not int: 5$"):
        check_optional("platform", 5, str)
    with pytest.raises(TypeError, match="not NoneType"):
        check_type("platform", None, str)


def test_numbers_are_at_least_something() -> None:
    check_number("attempts", 1, least=1)
    check_number("backoff", 0.5, least=0, whole=False)
    with pytest.raises(ValueError, match=r"^attempts must be at least 1, not 0$"):
        check_number("attempts", 0, least=1)
    with pytest.raises(ValueError, match=r"^backoff must be at least 0, not nan$"):
        check_number("backoff", math.nan, least=0, whole=False)
    for value in (True, 1.5, "1", None):
        with pytest.raises(TypeError, match=r"^attempts must be a whole number, not "):
            check_number("attempts", value, least=1)


def test_what_is_called_can_be_called() -> None:
    check_method("progress", io.BytesIO(), "read")
    check_callable("filter", None)
    with pytest.raises(TypeError, match=r"^progress must be an object with start\(\), not str: 'x'$"):
        check_method("progress", "x", "start")
    with pytest.raises(TypeError, match=r"^filter must be a function, not str: 'x'$"):
        check_callable("filter", "x")


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b", Path("a\0b")])
def test_what_no_file_can_be_called(value: str | Path) -> None:
    check_path("filename", os.fsdecode(b"latin-\xe9"))
    with pytest.raises(ValueError, match=r"^filename cannot be a path: "):
        check_path("filename", value)


def image() -> Image:
    made = Image("hello", "v1")
    made.add_layer_contents({"/greeting": b"hello"})
    return made


def registry() -> Registry:
    return Registry("http://127.0.0.1:1")


# Each call without the argument in question, its name, and values that cannot be meant.
CALLS: list[tuple[Callable[..., object], str, list[Any]]] = [
    *((Platform, name, [5, b"x"]) for name in ("os", "architecture", "variant")),
    (Platform.parse, "text", [None, 5]),
    (lambda **given: Platform.of(**{"os": "linux", "architecture": "arm64", **given}), "architecture", [None, 5]),
    (ImageReference.parse, "text", [None, Path("x")]),
    (lambda **given: ImageReference.parse("x", **given), "default_tag", [5]),
    (lambda **given: ImageReference(**{"domain": "docker.io", "path": "x", **given}), "digest", ["sha256:0"]),
    (Location.parse, "text", [None, b"oci:x"]),
    (lambda **given: Location(**{"transport": "oci", "path": "x", **given}), "transport", ["ocy", None, []]),
    (Digest, "text", [None, b"x"]),
    (Digest.of, "content", ["text", None]),
    (Conversion, "compression", ["bzip2", "zst", 5, []]),
    (Conversion, "format", ["oco", 5]),
    (Conversion, "level", ["9", -1]),
    (Conversion, "foreign", ["no"]),
    (Image, "layers", ["x", [None], 5]),
    (lambda **given: image().add_layer(**given), "layer", [None, "x"]),
    (lambda **given: image().add_layer_path(**given), "path", [None, ["x"], "a\0b"]),
    (lambda **given: image().add_layer_paths(**given), "paths", [None, "x", ["x"], [("a",)], {"a": None}]),
    (lambda **given: image().add_layer_contents({"/a": b""}, **given), "filter", ["x"]),
    (lambda **given: image().write_filename(**given), "filename", [None, 5, b"x", "a\0b.tar", "a\ud800.tar"]),
    (lambda **given: image().write_file(**given), "filename", [None, "a\0b.tar"]),
    (Image.from_filename, "filename", [None, "a\0b.tar"]),
    (Image.from_file, "filename", [5, "a\0b.tar"]),
    (image().layers[0].compressed, "compression", [None, "xz", []]),
    (lambda **given: image().layers[0].compressed(Compression.GZIP, **given), "level", ["9", 1.5]),
    (image().layers[0].with_format, "image_format", ["x", []]),
    (open_image, "location", [None, 5]),
    (lambda **given: open_image("x.tar", **given), "platform", [5, ["linux/amd64"]]),
    (lambda **given: write_image(image(), "x.tar", **given), "progress", ["x", 5]),
    (lambda **given: validate(image(), **given), "progress", [None, "x"]),
    *((lambda **given: copy_image(**{"source": "x.tar", "destination": "y.tar", **given}), name, [None, 5])
      for name in ("source", "destination", "conversion", "progress", "all_platforms")),
    (lambda **given: copy_image("x.tar", "y.tar", **given), "source_registry", ["user:password"]),
    *((RegistryOptions, name, ["x", -1, math.nan])
      for name in ("connect_timeout", "read_timeout", "attempts", "parallel")),
    *((RegistryOptions, name, ["no", 5]) for name in ("insecure", "use_credential_files")),
    (RegistryOptions, "chunk_size", ["1MB", 0]),
    (RegistryOptions, "environ", ["x", None]),
    (RegistryOptions, "docker_hub", [5]),
    (RegistryOptions.from_environment, "environ", ["x"]),
    (lambda **given: registry().pull_image(**given), "image", [None, 5]),
    (lambda **given: registry().get_manifest_digest("a", **given), "tag", [None, 5]),
    (lambda **given: registry().check_blob("a", **given), "blobsum", [None, 5]),
    (lambda **given: registry().list_images(**given), "n", ["5", 0, -1]),
    (lambda **given: registry().list_images(**given), "last", [5]),
    (lambda **given: registry().push_image(**given), "image", [None, "x"]),
    (lambda **given: registry().request(**given), "url", [None, 5]),
    (lambda **given: registry().upload_manifest("a", "t", **given), "manifest", [None, {}, "x"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "name", "value"), [(call, name, value) for call, name, values in CALLS for value in values]
)
def test_public_calls_name_the_argument(
    call: Callable[..., object], name: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call(**{name: value})
    assert not list(tmp_path.iterdir())


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    with pytest.raises(TypeError, match=r"^password must be str, not bytes$"):
        RegistryOptions(username="alice", password=b"hunter2")  # type: ignore[arg-type]


def test_strings_mean_what_they_say() -> None:
    conversion = Conversion(format="docker", compression="zstd")  # type: ignore[arg-type]
    assert conversion == Conversion(format=ImageFormat.DOCKER, compression=Compression.ZSTD)
    assert image().layers[0].compressed("none").compression is Compression.NONE  # type: ignore[arg-type]
