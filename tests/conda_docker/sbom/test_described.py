"""Which image a bill of materials is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.sbom.described import described_images, is_own

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
IMAGE = {"SPDXID": "SPDXRef-Image", "primaryPackagePurpose": "CONTAINER"}
DESCRIBES = {
    "spdxElementId": "SPDXRef-DOCUMENT",
    "relationshipType": "DESCRIBES",
    "relatedSpdxElement": "SPDXRef-Image",
}
DESCRIBED_BY = {
    "spdxElementId": "SPDXRef-Image",
    "relationshipType": "DESCRIBED_BY",
    "relatedSpdxElement": "SPDXRef-DOCUMENT",
}
PURL = {"referenceLocator": f"pkg:oci/app@sha256%3A{HEX}?repository_url=ghcr.io%2Forg%2Fapp"}
JSON = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "component", "type", "hashes", "packages", "relationships", "tools", "SPDXID"]
            ),
            inner,
        )
    ),
)


def container(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"component": {"type": "container", **fields}}}


def spdx(package: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"packages": [{"SPDXID": "SPDXRef-Package", "versionInfo": f"sha256:{HEX[::-1]}"}, package], **fields}


@pytest.mark.parametrize(
    "bill",
    [
        container(version=DIGEST),
        container(purl=f"pkg:oci/app@{DIGEST}"),
        container(hashes=[{"alg": "MD5", "content": "0"}, {"alg": "SHA-256", "content": HEX}]),
        spdx({**IMAGE, "versionInfo": DIGEST}, documentDescribes=["SPDXRef-Image"]),
        spdx({**IMAGE, "externalRefs": [PURL]}, relationships=[DESCRIBES]),
        spdx({**IMAGE, "checksums": [{"algorithm": "SHA256", "checksumValue": HEX}]}, relationships=[DESCRIBED_BY]),
    ],
)
def test_the_image_of_a_bill(bill: Mapping[str, Any]) -> None:
    assert described_images(bill) == {DIGEST}


@pytest.mark.parametrize(
    "bill",
    [
        {},
        {"metadata": {"component": {"type": "file", "version": DIGEST}}},
        container(version="1.0", purl="pkg:oci/app@1.0"),
        spdx(
            {"SPDXID": "SPDXRef-Image", "checksums": [{"algorithm": "SHA256", "checksumValue": HEX}]},
            documentDescribes=["SPDXRef-Image"],
        ),
    ],
)
def test_a_bill_that_names_no_image(bill: Mapping[str, Any]) -> None:
    assert described_images(bill) == set()


@given(st.dictionaries(st.sampled_from(["metadata", "packages", "relationships", "documentDescribes"]), JSON))
def test_malformed_documents_name_nothing(bill: Mapping[str, Any]) -> None:
    assert described_images(bill) == set()
    assert not is_own(bill)


def test_who_made_a_bill() -> None:
    assert is_own({"creationInfo": {"creators": ["Tool: conda-docker-1.0"]}})
    assert is_own({"metadata": {"tools": {"components": [{"name": "conda-docker"}]}}})
    assert not is_own({"creationInfo": {"creators": ["Tool: syft-1.0"]}, "metadata": {"tools": [{"name": "syft"}]}})
