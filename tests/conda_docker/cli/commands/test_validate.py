"""`conda-docker validate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conda_docker.cli.exit_codes import ExitCode
from python_docker.transports import open_image
from tests.conda_docker.cli.commands.test_copy import write_artifact, write_index
from tests.conda_docker.cli.conftest import Run


def damage(layout: Path, name: str = "v1") -> str:
    """Change a byte of a layer, and give its digest."""
    layer = open_image(f"oci:{layout}:{name}").layers[0]
    blob = layout / "blobs/sha256" / layer.digest.encoded
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    return layer.digest


@pytest.mark.parametrize("fixture", ["archive", "layout"])
def test_a_right_image_is_valid(fixture: str, request: pytest.FixtureRequest, conda_docker: Run) -> None:
    place = request.getfixturevalue(fixture)
    result = conda_docker("validate", place)
    assert result.returncode == 0
    assert "is valid (1 image, 2 layers, " in result.stdout


def test_a_damaged_layer_is_named(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    digest = damage(tmp_path / "layout")
    result = conda_docker("validate", layout)
    assert result.returncode == 1
    first, *_, last = result.stdout.splitlines()
    assert first.startswith("error: layer 2 of 2")
    assert digest[:19] in first
    assert last.startswith("oci:layout is not valid: ")


def test_without_layers_damage_in_them_is_not_seen(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    damage(tmp_path / "layout")
    assert conda_docker("validate", "--no-layers", layout).returncode == 0


def test_the_report_is_json(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    size = sum(layer.size for layer in open_image(f"oci:{tmp_path}/layout").layers)
    report = json.loads(conda_docker("validate", "--json", layout).stdout)
    assert report == {
        "location": "oci:layout",
        "valid": True,
        "problems": report["problems"],
        "images": 1,
        "artifacts": 0,
        "layers": 2,
        "size": size,
    }
    damage(tmp_path / "layout")
    result = conda_docker("validate", "--json", layout)
    report = json.loads(result.stdout)
    assert (result.returncode, report["valid"]) == (1, False)
    assert report["problems"][0]["severity"] == "error"
    assert report["problems"][0]["subject"].startswith("layer 2 of 2")


def test_all_platforms_or_one(conda_docker: Run, tmp_path: Path) -> None:
    manifests = write_index(tmp_path / "many")
    assert "2 images" in conda_docker("validate", "oci:many:all").stdout
    (tmp_path / "many/blobs/sha256" / manifests["arm64"][7:]).write_bytes(b"{}")
    assert conda_docker("validate", "oci:many:all").returncode == 1
    assert conda_docker("validate", "oci:many:all", "--platform", "linux/amd64").returncode == 0


def test_what_is_not_there_is_an_error(conda_docker: Run) -> None:
    result = conda_docker("validate", "missing.tar")
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith("error: ")


def test_all_images_of_a_place_are_checked(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    conda_docker("copy", "--compression", "zstd", layout, "oci:layout:v2")
    assert "is valid (2 images, " in conda_docker("validate", layout).stdout
    assert "is valid (1 image, " in conda_docker("validate", f"{layout}:v1").stdout
    damage(tmp_path / "layout", "v2")
    result = conda_docker("validate", layout)
    assert result.returncode == 1
    assert result.stdout.startswith("error: v2 (@1): layer 2 of 2")


def test_what_is_not_an_image_is_checked_for_what_it_is(conda_docker: Run, tmp_path: Path) -> None:
    write_artifact(tmp_path / "sbom")
    result = conda_docker("validate", "oci:sbom")
    assert (result.returncode, result.stdout) == (
        0,
        "oci:sbom is valid (1 artifact, which is not an image, 1 layer, 4 B)\n",
    )


def test_an_image_that_a_registry_does_not_give_is_neither_valid_nor_not(conda_docker: Run) -> None:
    done = conda_docker("validate", "--json", "localhost:1/app:1")
    assert (done.returncode, done.stdout) == (ExitCode.NETWORK, "")
    assert "error: cannot read localhost:1/app:1: cannot connect to localhost:1" in done.stderr
