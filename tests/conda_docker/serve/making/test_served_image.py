"""What is kept of an image that was served."""

from __future__ import annotations

import json

import pytest

from conda_docker.serve.making.served_image import ServedImage, StoredDocument
from python_docker.spec.digest import Digest

_RAW = b'{"schemaVersion":2}'
_ROOT = Digest.of(_RAW)


def image(**changes: object) -> ServedImage:
    fields: dict[str, object] = {
        "name": "tool",
        "tag": "latest",
        "root": _ROOT,
        "documents": {_ROOT: StoredDocument("application/vnd.oci.image.index.v1+json", _RAW)},
        "sizes": {Digest.of(b"layer"): 5},
        "lock": "{}",
        "made": 1.5,
        "packages": ("tool 1",),
        "missing": {"linux/arm64": "no tool"},
    }
    return ServedImage(**fields | changes)  # type: ignore[arg-type]


def test_it_is_read_as_it_was_written() -> None:
    assert ServedImage.from_json(image().to_json()) == image()
    assert image().size == 5


def test_a_document_that_is_not_what_its_digest_says() -> None:
    value = json.loads(image().to_json())
    value["documents"][str(_ROOT)][1] += " "
    assert ServedImage.from_json(json.dumps(value).encode()) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"documents": 1}'])
def test_what_is_damaged(content: bytes) -> None:
    assert ServedImage.from_json(content) is None


def test_an_image_without_its_root() -> None:
    assert ServedImage.from_json(image(documents={}).to_json()) is None
