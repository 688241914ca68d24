"""What descriptors may not say, wherever they stand."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from python_docker.spec.documents.descriptor import Descriptor
from python_docker.validation.descriptors import (
    check_descriptor,
    check_media_type,
    check_names,
    check_platform_fields,
    check_strings,
)

GOOD = {"mediaType": "text/plain", "digest": Descriptor.of(b"abc", "text/plain").digest, "size": 3}


def messages(**fields: Any) -> list[str]:
    value = GOOD | fields
    return [finding.message for finding in check_descriptor("it", Descriptor.from_json(value), value)]


def test_a_good_descriptor() -> None:
    assert messages(data=base64.b64encode(b"abc").decode(), urls=["https://example.org/a"]) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mediaType": "text"}, "which is not a media type"),
        ({"artifactType": "a b/c"}, "the artifactType of it is 'a b/c'"),
        ({"urls": ["/relative"]}, "not an absolute URI"),
        ({"digest": f"sha512:{128 * 'a'}"}, "a digest of sha512, which few tools can check"),
        ({"data": base64.b64encode(b"abd").decode()}, "data that are not what its digest and size say"),
        ({"data": base64.b64encode(b"ab").decode()}, "data that are not what"),
        ({"data": "???"}, "data that are not what"),
        ({"URLs": []}, "the field 'URLs' is 'urls' to some tools"),
    ],
)
def test_what_it_may_not_say(fields: dict[str, Any], message: str) -> None:
    [found] = messages(**fields)
    assert message in found
    assert "it" in found


def test_data_whose_digest_cannot_be_computed_here_are_believed() -> None:
    assert messages(digest="multihash:abc", data=base64.b64encode(b"abc").decode()) == [
        "it has a digest of multihash, which few tools can check"
    ]


def test_what_may_be_absent() -> None:
    assert [*check_media_type("x", None), *check_strings("x", None), *check_platform_fields("x", None)] == []
    assert list(check_names({"size": 1, "other": 2}, Descriptor)) == []


@pytest.mark.parametrize(
    ("platform", "count"),
    [
        ({"os": "linux", "architecture": "amd64"}, 0),
        ({"os": "linux"}, 1),
        ({"os": "linux", "architecture": "arm", "variant": 7}, 1),
        ({"os": 1, "architecture": "", "os.features": "win32k"}, 3),
    ],
)
def test_platforms(platform: dict[str, Any], count: int) -> None:
    assert len(list(check_platform_fields("it", platform))) == count
