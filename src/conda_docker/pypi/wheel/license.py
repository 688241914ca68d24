"""The license that a wheel states in its METADATA (core metadata 2.4: License-Expression, License, classifiers)."""

from __future__ import annotations

from email.parser import HeaderParser

_LONGEST = 200
"""Characters of a license's name: some packages put its whole text in that field."""


def stated_license(metadata: str) -> str | None:
    """Return the license that a METADATA file states, None where it states none.

    >>> stated_license("License: MIT\\nLicense-Expression: Apache-2.0\\n")
    'Apache-2.0'
    >>> stated_license("Classifier: License :: OSI Approved :: MIT License\\n")
    'MIT License'
    """
    headers = HeaderParser().parsestr(metadata)
    expression = str(headers.get("License-Expression", "")).strip()
    stated = str(headers.get("License", "")).strip()
    if expression:
        return expression
    if stated and stated.upper() != "UNKNOWN" and "\n" not in stated and len(stated) <= _LONGEST:
        return stated
    names = [
        str(line).rpartition(" :: ")[2] for line in headers.get_all("Classifier", []) if "License :: " in str(line)
    ]
    names = [name for name in names if name != "OSI Approved"]
    return " AND ".join(names) if names else None
