"""Which image a bill of materials says that it is of, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_DIGEST = r"sha256:[0-9a-f]{64}"
_IMAGE_PURL = rf"pkg:(?:oci|docker)/[^@]*@({_DIGEST})(?:[?#].*)?"
_OWN = "conda-docker"


def described_images(bill: Mapping[str, Any]) -> frozenset[str]:
    """Return the digests by which a bill of CycloneDX or SPDX 2 names the image that it is of; empty where it has none.

    A digest may be of an image or an index. Of a document that is malformed only what can be read counts.

    >>> sorted(described_images({"metadata": {"component": {"type": "container", "version": "sha256:" + 64 * "0"}}}))
    ['sha256:0000000000000000000000000000000000000000000000000000000000000000']
    """
    metadata = _mapping(bill.get("metadata"))
    found = list(_of_component(_mapping(metadata.get("component"))))
    described = set(_described(bill))
    for package in _mappings(bill.get("packages")):
        if str(package.get("SPDXID")) in described:
            found += _of_package(package)
    return frozenset(found)


def is_own(bill: Mapping[str, Any]) -> bool:
    """Return whether conda-docker made a bill, which then names the image by the digest that it was written with."""
    tools = _mapping(bill.get("metadata")).get("tools")
    components = _mappings(_mapping(tools).get("components"))
    creators = _mapping(bill.get("creationInfo")).get("creators")
    return any(tool.get("name") == _OWN for tool in components) or any(
        str(creator).startswith(f"Tool: {_OWN}-") for creator in (creators if isinstance(creators, list) else ())
    )


def _of_component(component: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a component of CycloneDX that is a container is named by."""
    if component.get("type") == "container":
        yield from _named(component.get("version"), component.get("purl"))
        for one in _mappings(component.get("hashes")):
            if one.get("alg") == "SHA-256":
                yield from _named(f"sha256:{one.get('content')}")


def _described(bill: Mapping[str, Any]) -> Iterator[str]:
    """Yield the identifiers of what a document of SPDX describes (SPDX 2.3, section 11.1)."""
    listed = bill.get("documentDescribes")
    yield from (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, str))
    for relationship in _mappings(bill.get("relationships")):
        ends = relationship.get("spdxElementId"), relationship.get("relatedSpdxElement")
        kind = relationship.get("relationshipType")
        if kind == "DESCRIBES" and isinstance(ends[1], str):
            yield ends[1]
        elif kind == "DESCRIBED_BY" and isinstance(ends[0], str):
            yield ends[0]


def _of_package(package: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a package of SPDX that is an image is named by."""
    purls = [one.get("referenceLocator") for one in _mappings(package.get("externalRefs"))]
    yield from _named(package.get("versionInfo"), *purls)
    if package.get("primaryPackagePurpose") == "CONTAINER":
        for one in _mappings(package.get("checksums")):
            if one.get("algorithm") == "SHA256":
                yield from _named(f"sha256:{one.get('checksumValue')}")


def _named(*texts: object) -> Iterator[str]:
    """Yield the digests among these: digests themselves, and those of images' package URLs."""
    for text in texts:
        if isinstance(text, str):
            if re.fullmatch(_DIGEST, text):
                yield text
            elif match := re.fullmatch(_IMAGE_PURL, unquote(text)):
                yield match[1]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
