"""Bills of materials pass the validators of their formats, and are the same for the same image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_record
from conda_docker.errors import DownloadError
from conda_docker.image.assemble import build_image
from conda_docker.image.result import BuildResult
from conda_docker.provenance.entries import prefix_history
from conda_docker.sbom.document import BillFormat, bill_of_materials
from python_docker.image import Image
from python_docker.image.layer import Layer
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage

LICENSES = [None, "MIT", "mit or Apache-2.0", "GPL-3.0-only WITH GCC-exception-3.1", "MIT AND", "BSD 3-Clause"]
LICENSES += ["LicenseRef-Public-Domain", "Public Domain", "LicenseRef-scancode-public-domain", "äöü", "PSF"]
PACKAGES = [
    SyntheticPackage(name=f"package{number}", files={f"file{number}": b"1"}, index={"license": license_})
    for number, license_ in enumerate(LICENSES)
]
PYTHON = SyntheticPackage(name="python", version="3.12.1", build="h1_0", files={"bin/python": b"1"})
MODULE = SyntheticPackage(
    name="module", noarch="python", depends=("python",), files={"site-packages/m-1.dist-info/METADATA": b"Name: m\n\n"}
)


def built(
    channel: SyntheticChannel, packages: Sequence[SyntheticPackage], cache: Path, base: Image | None = None
) -> BuildResult:
    channel.add(*packages)
    locked = tuple(channel.locked(package) for package in packages)
    environment = LockedEnvironment("linux-64", (), ("module",)).with_packages(locked)
    result = build_image(environment, base, BuildOptions(cache_dir=cache, bytecode="never"))  # type: ignore[arg-type]
    result.image.name, result.image.tag = "ghcr.io/org/demo", "1.0"
    return result


def bill(result: BuildResult, bill_format: str, cache: Path) -> bytes:
    return bill_of_materials(result.image, bill_format, environment=result.environment, cache_dir=cache)


@pytest.fixture
def result(synthetic_channel: SyntheticChannel, tmp_path: Path) -> BuildResult:
    """Return the image of packages with all kinds of licenses."""
    return built(synthetic_channel, [*PACKAGES, PYTHON, MODULE], tmp_path / "cache")


@pytest.mark.parametrize("known", [True, False])
def test_cyclonedx_is_valid(known: bool, result: BuildResult, tmp_path: Path) -> None:
    result = result if known else replace(result, environment=None)
    document = bill(result, "cyclonedx", tmp_path / "cache").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None


@pytest.mark.parametrize("known", [True, False])
def test_spdx_is_valid(known: bool, result: BuildResult, tmp_path: Path) -> None:
    result = result if known else replace(result, environment=None)
    (tmp_path / "bill.spdx.json").write_bytes(bill(result, "spdx", tmp_path / "cache"))
    document = parse_file(str(tmp_path / "bill.spdx.json"))
    assert validate_full_spdx_document(document) == []


@pytest.mark.parametrize("bill_format", list(BillFormat))
def test_the_same_image_gives_the_same_bytes(bill_format: BillFormat, result: BuildResult, tmp_path: Path) -> None:
    first, second = (bill(result, bill_format, tmp_path / cache) for cache in ("cache", "another"))
    assert first == second


@pytest.mark.parametrize(("bill_format", "field"), [("cyclonedx", "serialNumber"), ("spdx", "documentNamespace")])
def test_serial_numbers_follow_the_content(bill_format: str, field: str, result: BuildResult, tmp_path: Path) -> None:
    before = json.loads(bill(result, bill_format, tmp_path / "cache"))[field]
    result.image.config["Env"].append("A=B")
    assert json.loads(bill(result, bill_format, tmp_path / "cache"))[field] != before


def test_the_time_is_the_images(result: BuildResult, tmp_path: Path) -> None:
    result.image.created = "2024-01-02T03:04:05.6+01:00"
    cyclonedx, spdx = (json.loads(bill(result, name, tmp_path / "cache")) for name in ("cyclonedx", "spdx"))
    assert cyclonedx["metadata"]["timestamp"] == "2024-01-02T02:04:05+00:00"
    assert spdx["creationInfo"]["created"] == "2024-01-02T02:04:05Z"


def test_both_formats_name_the_same_packages(result: BuildResult, tmp_path: Path) -> None:
    cyclonedx, spdx = (json.loads(bill(result, name, tmp_path / "cache")) for name in ("cyclonedx", "spdx"))
    purls = sorted(one["purl"] for one in cyclonedx["components"] if "purl" in one)
    assert purls == sorted(
        reference["referenceLocator"]
        for one in spdx["packages"]
        for reference in one.get("externalRefs", [])
        if not reference["referenceLocator"].startswith("pkg:oci/")
    )
    assert "pkg:pypi/m@1" in purls


def test_packages_of_a_base_that_was_built_here(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    lower = built(synthetic_channel, PACKAGES[:1], tmp_path / "cache")
    upper = built(synthetic_channel, PACKAGES[1:2], tmp_path / "cache", lower.image)
    components = json.loads(bill(upper, "cyclonedx", tmp_path / "cache"))["components"]
    assert [one["name"] for one in components if one["type"] == "library"] == ["package0", "package1"]


def test_what_pip_had_installed_in_an_environment_that_was_copied(result: BuildResult, tmp_path: Path) -> None:
    """Such files are in the image without a wheel; the history names them."""
    history = prefix_history({"pip": 3}, ["Some.App==1.0"], "/opt/conda", "1970-01-01T00:00:00Z")
    top = result.image.layers[0]
    result.image.add_layer(Layer(top.blob, top.diff_id, history=(history,)))
    components = json.loads(bill(result, "cyclonedx", tmp_path / "cache"))["components"]
    [copied] = [one for one in components if one["name"] == "some-app"]
    assert copied["purl"] == "pkg:pypi/some-app@1.0"
    assert {"name": "conda-docker:copied", "value": "true"} in copied["properties"]


def test_a_package_that_cannot_be_looked_into(result: BuildResult, tmp_path: Path) -> None:
    def elsewhere(package: LockedPackage) -> LockedPackage:
        return replace(
            package_from_record({**package.record, "url": "file:///nowhere/noarch/module-1.0-0.conda"}), source=None
        )

    assert result.environment is not None
    lost = result.environment.with_packages(tuple(map(elsewhere, result.environment.packages[-1:])))
    with pytest.raises(DownloadError):
        bill_of_materials(result.image, "spdx", environment=lost, cache_dir=tmp_path / "empty", offline=True)
