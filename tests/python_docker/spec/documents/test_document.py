"""A document keeps the bytes that it was read from, and compares by them."""

from __future__ import annotations

import json

import pytest

from python_docker.errors import InvalidDocument
from python_docker.spec.digest import Digest
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.limits import MAX_DOCUMENT_SIZE

RAW = b'{ "os": "linux",\n  "unknown": [1, 2.50], "rootfs": {"diff_ids": []} }'


def test_the_bytes_stay() -> None:
    document = ImageConfig.parse(RAW)
    assert (document.raw, document.size, document.digest) == (RAW, len(RAW), Digest.of(RAW))


def test_fields_that_nobody_knows_stay() -> None:
    assert ImageConfig.parse(RAW).value()["unknown"] == [1, 2.5]


def test_a_value_is_a_copy() -> None:
    document = ImageConfig.parse(RAW)
    document.value()["unknown"].append(3)
    assert document.value()["unknown"] == [1, 2.5]


def test_equal_is_what_has_the_same_bytes() -> None:
    document = ImageConfig.parse(RAW)
    assert document == ImageConfig.parse(RAW)
    assert hash(document) == hash(ImageConfig.parse(RAW))
    assert document != ImageConfig.parse(RAW + b" ")
    assert document != RAW


def test_what_is_made_here_is_compact() -> None:
    made = ImageConfig.build({"os": "linux", "rootfs": {"diff_ids": []}})
    assert made.raw == b'{"os":"linux","rootfs":{"diff_ids":[]}}'


def test_nothing_is_made_that_others_would_refuse_for_its_size() -> None:
    with pytest.raises(InvalidDocument, match=r"the image's config would have \d+ bytes"):
        ImageConfig.build({"author": "x" * MAX_DOCUMENT_SIZE})


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"os": 1}', json.dumps({"rootfs": {"diff_ids": ["x"]}}).encode()])
def test_an_error_names_the_document(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match="the config of x"):
        ImageConfig.parse(raw, "the config of x")
