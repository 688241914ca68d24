"""Lists of specs are read as conda reads them, and what only pip understands is refused with the line."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.specs.spec_list import parse_spec_list
from conda_docker.errors import UnsupportedInput

LISTED = """
# This file may be used to create an environment using:
numpy >=2,<3   # arrays
python=3.12

bioconda::samtools
pywin32        # [win]
blas[build=mkl]
"""


def test_specs_without_comments() -> None:
    found = parse_spec_list(LISTED, subdir="linux-64")
    assert found.specs == ("numpy >=2,<3", "python=3.12", "bioconda::samtools", "blas[build=mkl]")


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "requests[socks]==2; python_version>'3'",
        "a @ https://host/a.whl",
        "a>=1; python_version>'3'",
        "./a",
        "git+https://h/a",
        "a===1",
    ],
)
def test_requirements_for_pip(line: str) -> None:
    with pytest.raises(UnsupportedInput, match=r"packages\.txt, line 2: .* is a requirement for pip"):
        parse_spec_list(f"numpy\n{line}\n")


def test_extras_are_passed_over_as_in_conda() -> None:
    found = parse_spec_list("numpy\ndask[complete]>=2\n", "packages.txt")
    assert found.specs == ("numpy", "dask>=2")
    [warning] = found.warnings
    assert warning.startswith("packages.txt, line 2: 'dask[complete]>=2' is read as 'dask>=2'")


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("requirements.txt", True),
        ("dev-requirements.txt", True),
        ("requirements_test.in", True),
        ("packages.txt", False),
        ("conda.txt", False),
    ],
)
def test_a_file_that_is_called_as_pip_s_are(name: str, warned: bool) -> None:
    found = parse_spec_list("numpy>=2\n", name)
    assert found.specs == ("numpy>=2",)
    assert [warning.partition(";")[0] for warning in found.warnings] == (
        [f"{name} is read as a list of conda packages"] if warned else []
    )
