from __future__ import annotations

import pytest

from conda_docker.sbom.licenses import read_license


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        ("MIT", "MIT"),
        ("bsd-3-clause", "BSD-3-Clause"),
        ("Apache-2.0 or mit", "Apache-2.0 OR MIT"),
        ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only WITH GCC-exception-3.1"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("BSD 3-Clause", None),
        ("MIT AND", None),
        ("(MIT", None),
        ("MIT WITH MIT", None),
        ("LicenseRef-scancode-public-domain", None),
        ("", None),
    ],
)
def test_expressions(stated: str, expression: str | None) -> None:
    assert read_license(stated).expression == expression
