"""On request, a bill lists every file of each package, as it is in the image."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from conda_docker.build_options import BuildOptions
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.image.assemble import build_image
from conda_docker.image.result import BuildResult
from conda_docker.sbom.document import bill_of_materials
from conda_docker.sbom.files import files_of_packages
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python": b"1"})
MODULE = SyntheticPackage(
    name="module", noarch="python", depends=("python",), files={"site-packages/module/__init__.py": b"x = 1\n"}
)
SITE = "opt/conda/lib/python3.12/site-packages"


@pytest.fixture(params=["layered", "single"])
def result(request: pytest.FixtureRequest, synthetic_channel: SyntheticChannel, tmp_path: Path) -> BuildResult:
    """Return an image of conda packages and a wheel, in a layer for each or in one."""
    synthetic_channel.add(PYTHON, MODULE)
    path = make_wheel(tmp_path, "demo", files={"demo.py": "answer = 42\n", "demo-1.0.data/scripts/run": "#!python\n"})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    wheel = LockedWheel(name="demo", version="1.0", url=path.as_uri(), source=path, sha256=digest)
    packages = (synthetic_channel.locked(PYTHON), synthetic_channel.locked(MODULE))
    environment = LockedEnvironment("linux-64", (), wheels=(wheel,)).with_packages(packages)
    options = BuildOptions(cache_dir=tmp_path / "cache", bytecode="never", layering=request.param)  # type: ignore[arg-type]
    return build_image(environment, None, options)


def bill(result: BuildResult, kind: str, tmp_path: Path) -> bytes:
    return bill_of_materials(
        result.image, kind, environment=result.environment, cache_dir=tmp_path / "cache", files=True
    )


def test_each_file_is_its_packages(result: BuildResult) -> None:
    found = {
        url.rpartition("/")[2]: {item.path for item in items}
        for (_, url), items in files_of_packages(result.image).items()
    }
    assert found == {
        "python-3.12.1-0.conda": {"opt/conda/bin/python", "opt/conda/conda-meta/python-3.12.1-0.json"},
        "module-1.0-0.conda": {f"{SITE}/module/__init__.py", "opt/conda/conda-meta/module-1.0-0.json"},
        "demo-1.0-py3-none-any.whl": {
            f"{SITE}/demo.py",
            "opt/conda/bin/run",
            *(f"{SITE}/demo-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "INSTALLER")),
        },
    }


def test_cyclonedx(result: BuildResult, tmp_path: Path) -> None:
    document = bill(result, "cyclonedx", tmp_path).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    [module] = [one for one in json.loads(document)["components"] if one["name"] == "module"]
    listed = {one["name"]: {hash_["alg"]: hash_["content"] for hash_ in one["hashes"]} for one in module["components"]}
    assert listed[f"{SITE}/module/__init__.py"]["SHA-256"] == hashlib.sha256(b"x = 1\n").hexdigest()


def test_spdx(result: BuildResult, tmp_path: Path) -> None:
    (tmp_path / "bill.spdx.json").write_bytes(bill(result, "spdx", tmp_path))
    document = parse_file(str(tmp_path / "bill.spdx.json"))
    assert validate_full_spdx_document(document) == []
    assert f"./{SITE}/demo.py" in {file.name for file in document.files}


def test_without_it_no_file_is_listed(result: BuildResult, tmp_path: Path) -> None:
    document = bill_of_materials(
        result.image, "cyclonedx", environment=result.environment, cache_dir=tmp_path / "cache"
    )
    assert SITE.encode() not in document
