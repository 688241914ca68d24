"""What a descriptor may say, wherever it stands (image-spec, descriptor.md, and the grammar of its schema)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from python_docker.errors import InvalidDigest
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.fields import Fields, json_names
from python_docker.validation.report import Finding, error, warning

# RFC 6838, section 4.2: names of at most 127 characters.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(f"{_NAME}/{_NAME}")
# RFC 3986, section 4.3: an absolute URI has a scheme, and no character that would have to be escaped.
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x1f\x7f]+")


def check_media_type(what: str, media_type: object) -> Iterator[Finding]:
    """Check a media type that may be absent; `what` names the field."""
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
        yield error(f"{what} is {str(media_type)[:80]!r}, which is not a media type (RFC 6838)")


def check_descriptor(what: str, descriptor: Descriptor, fields: Mapping[str, Any]) -> Iterator[Finding]:
    """Check a descriptor and the JSON it was read from; `what` says which one it is."""
    for finding in check_names(fields, Descriptor):
        yield Finding(finding.severity, f"{what}: {finding.message}")
    yield from check_media_type(f"the mediaType of {what}", descriptor.media_type)
    yield from check_media_type(f"the artifactType of {what}", descriptor.artifact_type)
    for url in descriptor.urls or ():
        if not _ABSOLUTE_URI.fullmatch(url):
            yield error(f"{what} has the URL {url[:80]!r}, which is not an absolute URI (RFC 3986)")
    if descriptor.digest.algorithm != "sha256":
        yield warning(f"{what} has a digest of {descriptor.digest.algorithm}, which few tools can check")
    if descriptor.data is not None:
        try:
            data = base64.b64decode(descriptor.data, validate=True)
            right = len(data) == descriptor.size and _digest(data, descriptor.digest) == descriptor.digest
        except (binascii.Error, ValueError):
            right = False
        if not right:
            yield error(f"{what} brings data that are not what its digest and size say")


def _digest(data: bytes, like: Digest) -> Digest:
    try:
        hash_ = like.new_hash()
    except InvalidDigest:
        return like
    hash_.update(data)
    return Digest(f"{like.algorithm}:{hash_.hexdigest()}")


def check_names(value: Mapping[str, Any], kind: type[Fields]) -> Iterator[Finding]:
    """Check the names of fields: tools written in Go read `Layers` as `layers`, others do not."""
    known = json_names(kind)
    lower = {name.lower(): name for name in known}
    for name in value:
        if name not in known and name.lower() in lower:
            yield error(f"the field {name[:80]!r} is {lower[name.lower()]!r} to some tools and unknown to others")


def check_platform_fields(what: str, platform: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Check the platform of an index's entry (image-spec, image-index.md)."""
    if platform is None:
        return
    for name in ("architecture", "os"):
        if not platform.get(name):
            yield error(f"the platform of {what} does not name the {name}")
    for name in ("architecture", "os", "os.version", "variant"):
        if not isinstance(platform.get(name, ""), str):
            yield error(f"{name} in the platform of {what} is not a string")
    yield from check_strings(f"os.features in the platform of {what}", platform.get("os.features"))


def check_strings(what: str, words: object) -> Iterator[Finding]:
    """Check a list of strings that may be absent."""
    if words is not None and not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        yield error(f"{what} is not a list of strings")
