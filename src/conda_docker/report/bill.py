"""Licenses that a bill of materials states, for images whose layers are not read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from conda_docker.sbom.document import BillFormat
from python_docker.copying.referrer import read_referrers
from python_docker.errors import Error

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.transports.medium import Source

Licenses = Mapping[tuple[str, str, str], str]
"""What packages are licensed under, by kind (`conda` or `pypi`), name and version."""

# The package URL of a package of one of the two kinds; what follows the version does not matter here.
_PURL = re.compile(r"pkg:(conda|pypi)/([^@?#]+)@([^?#]+)")
_LONGEST = 200  # characters of a license that has no name, whose text may be there in its place
_UNKNOWN = frozenset({"NOASSERTION", "NONE"})


def attached_licenses(source: Source, image: Image) -> Licenses:
    """Return what a bill of materials that is attached to an image says; nothing where none can be had."""
    for bill_format in BillFormat:
        try:
            bill = next(read_referrers(source, image.manifest.digest, bill_format.media_type), None)
        except Error:  # a registry that cannot list what is attached has all else that is shown
            continue
        if bill is not None and (found := licenses_in_bill(bill)):
            return found
    return {}


def licenses_in_bill(bill: bytes) -> Licenses:
    """Return the licenses in a bill of either format; nothing for one that cannot be read."""
    try:
        found = [(_PURL.match(purl), license_) for purl, license_ in _licenses(json.loads(bill))]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {(match[1], unquote(match[2]), unquote(match[3])): license_ for match, license_ in found if match}


def _licenses(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield package URLs with licenses."""
    # CycloneDX
    for component in document.get("components") or ():
        for choice in component.get("licenses") or ():
            license_ = choice.get("expression") or choice["license"].get("id") or choice["license"].get("name")
            if isinstance(license_, str) and "purl" in component:
                yield str(component["purl"]), license_
    # SPDX
    extracted = document.get("hasExtractedLicensingInfos") or ()
    names = {each["licenseId"]: each.get("name") or each["extractedText"][:_LONGEST] for each in extracted}
    for package in document.get("packages") or ():
        declared = package.get("licenseDeclared", "NOASSERTION")
        for reference in package.get("externalRefs") or ():
            if reference.get("referenceType") == "purl" and declared not in _UNKNOWN:
                yield str(reference["referenceLocator"]), str(names.get(declared, declared))
