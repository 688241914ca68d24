"""Licenses in bills of materials of other tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conda_docker.report.bill import licenses_in_bill


def read(document: Any) -> dict[tuple[str, str, str], str]:
    return dict(licenses_in_bill(json.dumps(document).encode()))


def test_cyclonedx() -> None:
    licenses: list[dict[str, Any]] = [
        {"expression": "MIT OR ISC"},
        {"license": {"id": "MIT"}},
        {"license": {"name": "See LICENSE"}},
    ]
    components = [
        {"purl": f"pkg:conda/{name}@1%2B2?build=0", "licenses": [license_]}
        for name, license_ in zip("abc", licenses, strict=True)
    ]
    found = read({"components": [*components, {"name": "without"}, {"purl": "pkg:deb/x@1", "licenses": licenses[:1]}]})
    assert found == {
        ("conda", "a", "1+2"): "MIT OR ISC",
        ("conda", "b", "1+2"): "MIT",
        ("conda", "c", "1+2"): "See LICENSE",
    }


def test_spdx() -> None:
    packages = [
        {
            "licenseDeclared": declared,
            "externalRefs": [{"referenceType": "purl", "referenceLocator": f"pkg:pypi/{name}@1"}],
        }
        for name, declared in (("a", "MIT"), ("b", "NOASSERTION"), ("c", "LicenseRef-own"))
    ]
    named = [{"licenseId": "LicenseRef-own", "name": "My own"}]
    found = read({"packages": packages, "hasExtractedLicensingInfos": named})
    assert found == {("pypi", "a", "1"): "MIT", ("pypi", "c", "1"): "My own"}


@pytest.mark.parametrize(
    "document", [1, [], {}, {"components": 1}, {"components": [{"licenses": [{}]}]}, {"packages": [1]}]
)
def test_what_cannot_be_read_says_nothing(document: Any) -> None:
    assert read(document) == {}
