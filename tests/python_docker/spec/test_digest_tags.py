"""The names under which cosign's older releases keep signatures."""

from __future__ import annotations

import json

import pytest

from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import (
    PAYLOAD_KIND,
    SUFFIXES,
    digest_tag,
    is_digest_tag,
    referrers_tag,
    signed_digest,
)

DIGEST = Digest.of(b"an image")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tag_of_each_kind(suffix: str) -> None:
    tag = digest_tag(DIGEST, suffix)
    assert tag == f"sha256-{DIGEST.encoded}.{suffix}"
    assert is_digest_tag(tag)


@pytest.mark.parametrize(
    "name", [None, "", "latest", f"sha256-{DIGEST.encoded[:-1]}", f"sha256-{DIGEST.encoded}.txt", "a.sig"]
)
def test_other_names(name: str | None) -> None:
    assert not is_digest_tag(name)


def test_the_tag_that_lists_referrers_is_not_an_images_either() -> None:
    assert is_digest_tag(referrers_tag(DIGEST))


def test_what_a_payload_is_about() -> None:
    value = {"critical": {"type": PAYLOAD_KIND, "image": {"docker-manifest-digest": DIGEST}}}
    assert signed_digest(json.dumps(value).encode()) == DIGEST


@pytest.mark.parametrize(
    "critical",
    ["[]", "{}", f'{{"type": "{PAYLOAD_KIND}"}}', f'{{"type": "{PAYLOAD_KIND}", "image": {{}}}}', '{"type": 1}'],
)
def test_what_is_not_a_payload(critical: str) -> None:
    for content in (b"", b"[]", b"null", f'{{"critical": {critical}}}'.encode()):
        with pytest.raises(ValueError, match="not cosign's payload"):
            signed_digest(content)
