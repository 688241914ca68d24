"""The license that a wheel states."""

from __future__ import annotations

import pytest

from conda_docker.pypi.wheel.license import stated_license


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: MIT\nLicense: Apache\n", "MIT"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", "MIT License"),
        ("License: BSD\n", "BSD"),
        (f"License: {'long ' * 100}\n", None),
        ("License: The license\n  goes on\n", None),
        ("Classifier: License :: OSI Approved\n", None),
        ("Classifier: Programming Language :: Python\n", None),
        ("Classifier: License :: A\nClassifier: License :: OSI Approved :: B\n", "A AND B"),
        ("\nLicense: in the description\n", None),
    ],
)
def test_where_it_stands(metadata: str, expected: str | None) -> None:
    assert stated_license(metadata) == expected
