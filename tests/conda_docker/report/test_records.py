"""What the files of an image say of its packages."""

from __future__ import annotations

import json

import pytest

from conda_docker.report.records import Record, read_records

CONDA = {
    "name": "numpy",
    "version": "2.1",
    "build": "py312_0",
    "url": "https://user:secret@conda.anaconda.org/conda-forge/linux-64/numpy-2.1-py312_0.conda",
    "license": "BSD-3-Clause",
    "files": ["lib/numpy.py", "lib/python3.12/site-packages/numpy-2.1.dist-info/METADATA"],
}
SITE = "usr/local/lib/python3.12/site-packages"


def read(contents: dict[str, bytes]) -> list[Record]:
    return list(read_records(contents))


def test_a_record_of_conda() -> None:
    (record,) = read({"opt/conda/conda-meta/numpy-2.1-py312_0.json": json.dumps(CONDA).encode()})
    assert (record.kind, record.name, record.version, record.build) == ("conda", "numpy", "2.1", "py312_0")
    assert (record.license, record.prefix) == ("BSD-3-Clause", "/opt/conda")
    assert record.channel == "https://conda.anaconda.org/conda-forge/"
    assert "opt/conda/lib/numpy.py" in record.paths


def test_what_a_conda_package_brings_to_pip_is_not_one_of_its_own() -> None:
    found = read(
        {
            "opt/conda/conda-meta/numpy-2.1-py312_0.json": json.dumps(CONDA).encode(),
            "opt/conda/lib/python3.12/site-packages/numpy-2.1.dist-info/METADATA": b"Name: numpy\nVersion: 2.1\n",
        }
    )
    assert [record.kind for record in found] == ["conda"]


def test_a_package_of_pip() -> None:
    folder = f"{SITE}/Foo_Bar-1.0.dist-info"
    (record,) = read(
        {
            f"{folder}/METADATA": b"Name: Foo.Bar\nVersion: 1.0\nLicense-Expression: MIT\n\nName: x\n",
            f"{folder}/RECORD": b"foo/__init__.py,sha256=x,3\n../../../bin/foo,,\n",
            f"{folder}/INSTALLER": b"pip\n",
        }
    )
    assert (record.kind, record.name, record.version, record.license) == ("pypi", "Foo.Bar", "1.0", "MIT")
    assert record.key == ("pypi", "foo-bar")
    assert record.prefix == "/usr/local"
    assert {f"{SITE}/foo/__init__.py", "usr/local/bin/foo"} <= record.paths


def test_packages_of_the_distribution_are_not_pips() -> None:
    folder = "usr/lib/python3/dist-packages/x-1.dist-info"
    assert not read({f"{folder}/METADATA": b"Name: x\nVersion: 1\n", f"{folder}/INSTALLER": b"debian"})


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", b'{"name": 1, "version": "1"}', b'{"name": "a"}', b"[" * 100_000, b'"text"'],
)
def test_damaged_records_are_passed_over(content: bytes) -> None:
    assert not read({"opt/conda/conda-meta/a-1-0.json": content})


def test_metadata_without_anything_in_it_goes_by_its_folder() -> None:
    (record,) = read({f"{SITE}/foo-1.0.dist-info/METADATA": b"\xff\xfe"})
    assert (record.name, record.version, record.license) == ("foo", "1.0", None)
