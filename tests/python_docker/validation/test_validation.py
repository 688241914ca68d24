"""Validation: good images are good, and whatever is wrong is named, not raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import python_docker
from python_docker.image import Image
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression
from python_docker.validation import validate, validate_source
from tests.python_docker.documents import JSON
from tests.python_docker.in_memory import Heard, Many
from tests.python_docker.making import HELLO, MORE, Made, config_of
from tests.python_docker.stacks import tar_of
from tests.python_docker.validation.problems import (
    FILE,
    replaced,
    told,
)


@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize("compression", list(Compression)[:3])
def test_a_good_image_has_no_problem(image_format: ImageFormat, compression: Compression) -> None:
    if (image_format, compression) == (ImageFormat.DOCKER, Compression.ZSTD):
        return
    made = Made([HELLO, MORE, HELLO], image_format=image_format, compression=compression)
    for report in (validate_source(made), validate(made.image())):
        assert told(report) == []
        assert report.ok
        assert (report.images, report.layers) == (1, 2)
        assert report.size == sum(len(made.blobs[layer["digest"]]) for layer in made.value["layers"][:2])


def test_an_image_that_we_make_has_no_problem() -> None:
    image = Image("hello", "v1")
    image.add_layer_contents({"/lib/a": b"a", "tmp/b": b"b"})
    image.add_layer_contents({"c": b"c"})
    image.config["Env"].append("A=1")
    image.config["ExposedPorts"]["80/tcp"] = {}
    image.config["Labels"]["a"] = "b"
    assert told(validate(image)) == []
    image.format = ImageFormat.DOCKER
    assert told(validate(image)) == []


def test_a_good_index_has_no_problem() -> None:
    for nested in (0, 1, 2):
        report = validate_source(Many(nested=nested))
        assert [problem for problem in told(report) if "no platform" not in problem] == []
        assert (report.images, report.layers) == (2, 3)


def test_it_is_the_function_of_the_package() -> None:
    assert python_docker.validate is validate


def test_layers_need_not_be_read() -> None:
    made = Made([HELLO, MORE])
    for layer in made.value["layers"]:
        made.blobs[layer["digest"]] = b"damaged"
    assert told(validate_source(made, layers=False)) == []
    assert not validate_source(made).ok


def test_progress_tells_of_every_layer() -> None:
    made = Made([HELLO, MORE, HELLO])
    heard = Heard()
    validate_source(made, progress=heard)
    sizes = {Digest(layer["digest"]).short: layer["size"] for layer in made.value["layers"]}
    assert heard.totals == heard.moved == sizes
    assert sorted(heard.ended) == sorted(sizes)


@settings(max_examples=300)
@given(st.data())
def test_any_damage_of_a_blob_is_an_error_and_nothing_is_raised(data: st.DataObject) -> None:
    made = Made(
        [HELLO, MORE], compression=data.draw(st.sampled_from([Compression.NONE, Compression.GZIP, Compression.ZSTD]))
    )
    digest = data.draw(st.sampled_from(sorted(made.blobs)))
    content = bytearray(made.blobs[digest])
    damage = data.draw(st.sampled_from(["flip", "cut", "grow"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if damage == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    elif damage == "cut":
        del content[place:]
    else:
        content[place:place] = b"x"
    made.blobs[digest] = bytes(content)
    assert not validate_source(made).ok


def _mutate(value: Any, data: st.DataObject) -> Any:
    """The same JSON with one value changed, somewhere."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: _mutate(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], _mutate(value[place], data), *value[place + 1 :]]
    return data.draw(JSON)


@settings(max_examples=300)
@given(st.data())
def test_any_documents_raise_nothing(data: st.DataObject) -> None:
    many = Many() if data.draw(st.booleans()) else Made([HELLO, MORE])
    which = data.draw(st.sampled_from(["root", "config"]))
    if which == "root" or isinstance(many, Many):
        many.value = _mutate(many.value, data)
    else:
        many.value["config"] = many.put(dump_json(_mutate(config_of([HELLO, MORE]), data)), ImageFormat.OCI.config_type)
    for problem in validate_source(many).problems:
        assert len(str(problem)) < 5000


def test_the_reports_of_images_and_of_their_sources_agree() -> None:
    made = Made([HELLO, tar_of([("/a", FILE, b"")])])
    made.value["layers"][0]["annotations"] = {"a": "b"}
    replaced(b"", made)
    assert told(validate(made.image())) == told(validate_source(made))
