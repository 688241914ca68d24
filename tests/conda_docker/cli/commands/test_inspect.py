"""`conda-docker inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.provenance.entries import environment_history, packages_history
from python_docker import Image
from python_docker.image.layer import Layer
from python_docker.transports import open_image, write_image
from tests import peers
from tests.conda_docker.cli.commands.test_copy import write_artifact, write_index
from tests.conda_docker.cli.conftest import Run
from tests.images import hello_config

SHA256 = "ab" * 32


@pytest.fixture
def built(tmp_path: Path) -> str:
    """Return an image that says which conda packages are in it, as our builds do."""
    package = package_from_record(
        {
            "name": "numpy",
            "version": "2.1",
            "build": "py312_0",
            "url": "https://me:secret@conda.example.org/t/tk-1-2/forge/linux-64/numpy-2.1-py312_0.conda",
            "sha256": SHA256,
        }
    )
    environment = LockedEnvironment(
        "linux-64", (package,), requested=("numpy >=2",), variables={"WHO": "me"}, name="demo"
    )
    image = Image("demo", "v1")
    layer = image.add_layer_contents({"opt/conda/x": b"1"})
    history = packages_history(environment.packages, "/opt/conda", "2024-01-01T00:00:00Z")
    image.layers[0] = Layer(layer.blob, layer.diff_id, config=layer.config, history=(history,))
    top = image.add_layer_contents({"opt/conda/conda-meta/history": b""})
    history = environment_history(environment, "/opt/conda", "2024-01-01T00:00:00Z")
    image.layers[0] = Layer(top.blob, top.diff_id, config=top.config, history=(history,))
    write_image(image, f"oci:{tmp_path}/built:v1")
    return "oci:built:v1"


def test_people_see_what_an_image_is(archive: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("inspect", archive)
    image = open_image(str(tmp_path / archive))
    assert (result.returncode, result.stderr) == (0, "")
    names, rest, _ = result.stdout.split("\n\n")
    rows = {line[:9].strip(): line[9:] for line in names.splitlines()}
    rows |= {name: value.strip() for name, value in (line.split("  ", 1) for line in rest.splitlines())}
    assert rows["Name"] == "hello:latest"
    assert rows["Digest"] == image.digest
    assert rows["Image ID"] == image.id
    assert rows["Platform"] == str(image.platform)
    assert rows["Created"] == "2020-01-01T00:00:00Z"
    assert rows["Cmd"] == '["/bin/cat", "/etc/greeting"]'
    assert rows["Env"] == "PATH=/bin"
    assert rows["Size"].endswith(" in 2 layers")
    for layer in image.layers:
        assert layer.digest in result.stdout


def test_what_an_image_says_cannot_control_the_terminal(archive: str, conda_docker: Run) -> None:
    result = conda_docker("inspect", archive)
    assert "\x1b" not in result.stdout
    assert "who=\\x1b[31mme" in result.stdout


def test_json_has_everything(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    report = json.loads(conda_docker("inspect", "--json", layout).stdout)
    image = open_image(f"oci:{tmp_path}/layout")
    assert report["location"] == "oci:layout"
    assert report["index"] is None
    assert report["image"]["digest"] == image.digest
    assert report["image"]["config"] == hello_config()
    assert [layer["digest"] for layer in report["image"]["layers"]] == [
        layer.digest for layer in reversed(image.layers)
    ]
    assert report["image"]["size"] == sum(layer.size for layer in image.layers)


def test_raw_is_the_manifest_byte_for_byte(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    result = conda_docker("inspect", "--raw", layout)
    assert result.stdout.encode() == open_image(f"oci:{tmp_path}/layout").manifest.raw


def test_raw_config_is_the_config_byte_for_byte(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    image = open_image(f"oci:{tmp_path}/layout")
    assert conda_docker("inspect", "--config", "--raw", layout).stdout.encode() == image.config_file.raw
    assert json.loads(conda_docker("inspect", "--config", layout).stdout) == image.config_file.value()


def test_layers_come_lowest_first(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    image = open_image(f"oci:{tmp_path}/layout")
    layers = json.loads(conda_docker("inspect", "--layers", "--json", layout).stdout)
    assert [(layer["digest"], layer["diff_id"], layer["size"], layer["created_by"]) for layer in layers] == [
        (layer.digest, layer.diff_id, layer.size, f"layer {number}")
        for number, layer in enumerate(reversed(image.layers))
    ]
    lines = conda_docker("inspect", "--layers", layout).stdout.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == [layer["digest"] for layer in layers]


def test_no_layer_is_read(layout: str, conda_docker: Run, tmp_path: Path) -> None:
    for layer in open_image(f"oci:{tmp_path}/layout").layers:
        (tmp_path / "layout/blobs/sha256" / layer.digest.encoded).write_bytes(b"x" * layer.size)
    for option in ("--json", "--layers", "--config", "--raw"):
        assert conda_docker("inspect", option, layout).returncode == 0


def test_nothing_of_layers_is_downloaded(
    layout: str, conda_docker: Run, registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    conda_docker("copy", layout, f"docker://{registry.host}/{repository}:v1")
    before = len(registry.requests())
    assert conda_docker("inspect", f"{registry.host}/{repository}:v1").returncode == 0
    config = open_image(f"oci:{tmp_path}/layout").manifest.config.digest
    blobs = [request.path for request in registry.requests(since=before) if "/blobs/" in request.path]
    assert [path.rpartition("/")[2] for path in blobs] == [config]


def test_of_many_platforms_all_are_named(conda_docker: Run, tmp_path: Path) -> None:
    manifests = write_index(tmp_path / "many")
    shown = conda_docker("inspect", "oci:many:all", "--platform", "linux/arm64").stdout
    assert all(digest in shown for digest in manifests.values())
    assert "linux/amd64" in shown
    report = json.loads(conda_docker("inspect", "--json", "oci:many:all", "--platform", "linux/arm64").stdout)
    assert report["index"]["digest"] == manifests["all"]
    assert report["image"]["digest"] == manifests["arm64"]


def test_the_raw_index_or_one_manifest_of_it(conda_docker: Run, tmp_path: Path) -> None:
    write_index(tmp_path / "many")
    assert len(json.loads(conda_docker("inspect", "--raw", "oci:many:all").stdout)["manifests"]) == 2
    one = json.loads(conda_docker("inspect", "--raw", "oci:many:all", "--platform", "linux/arm64").stdout)
    assert len(one["layers"]) == 2


def test_an_index_without_this_machine_s_platform_is_shown_all_the_same(conda_docker: Run, tmp_path: Path) -> None:
    write_index(tmp_path / "many")
    index = tmp_path / "many/index.json"
    top = json.loads(index.read_text())["manifests"][0]
    blob = tmp_path / "many/blobs/sha256" / top["digest"][7:]
    children = blob.read_text().replace('"amd64"', '"s390x"').replace('"arm64"', '"ppc64le"').encode()
    from tests.conda_docker.cli.commands.test_copy import put

    top |= {"digest": put(tmp_path / "many", children), "size": len(children)}
    index.write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    shown = conda_docker("inspect", "oci:many:all")
    assert shown.returncode == 0
    assert "linux/s390x" in shown.stdout
    assert json.loads(conda_docker("inspect", "--json", "oci:many:all").stdout)["image"] is None
    refused = conda_docker("inspect", "--config", "oci:many:all")
    assert refused.returncode == 4
    assert "linux/s390x" in refused.stderr


def test_packages_of_an_image_that_we_built(built: str, conda_docker: Run) -> None:
    shown = conda_docker("inspect", "--packages", built).stdout
    assert "# packages in environment at /opt/conda (linux-64):" in shown
    assert shown.splitlines()[-1].split()[:3] == ["numpy", "2.1", "py312_0"]
    assert "1 conda package in /opt/conda (linux-64)" in conda_docker("inspect", built).stdout


def test_packages_as_json(built: str, conda_docker: Run) -> None:
    [environment] = json.loads(conda_docker("inspect", "--packages", "--json", built).stdout)
    assert environment["requested"] == ["numpy>=2"]
    assert environment["variables"] == {"WHO": "me"}
    [package] = environment["packages"]
    assert package["hash"] == f"sha256:{SHA256}"


def test_an_explicit_list_names_urls_without_secrets(built: str, conda_docker: Run) -> None:
    shown = conda_docker("inspect", "--explicit", built).stdout
    assert "secret" not in shown
    assert "tk-1-2" not in shown
    assert shown.splitlines()[-1].endswith(f"/forge/linux-64/numpy-2.1-py312_0.conda#sha256:{SHA256}")
    assert "@EXPLICIT" in shown.splitlines()


def test_an_image_of_others_names_no_packages(layout: str, conda_docker: Run) -> None:
    result = conda_docker("inspect", "--explicit", layout)
    assert (result.returncode, result.stdout) == (4, "")
    assert "not built by conda-docker" in result.stderr


@pytest.mark.parametrize(
    "args", [["--packages", "--layers"], ["--raw", "--json"], ["--raw", "--packages"], ["--explicit", "--config"]]
)
def test_one_thing_at_a_time(args: list[str], layout: str, conda_docker: Run) -> None:
    result = conda_docker("inspect", *args, layout)
    assert result.returncode == 2
    assert "--" in result.stderr


def test_what_is_not_an_image_is_shown_as_what_it_is(conda_docker: Run, tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "sbom")
    shown = conda_docker("inspect", "oci:sbom")
    assert shown.returncode == 0
    assert "Type    application/spdx+json (not an image)\n" in shown.stdout
    assert digest in shown.stdout
    report = json.loads(conda_docker("inspect", "--json", "oci:sbom").stdout)
    assert report["artifact"]["blobs"][0]["media_type"] == "application/spdx+json"
    assert (report["image"], report["artifact"]["digest"]) == (None, digest)
    refused = conda_docker("inspect", "--packages", "oci:sbom")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "is not a container image" in refused.stderr


def test_a_file_that_is_not_an_image(conda_docker: Run, tmp_path: Path) -> None:
    (tmp_path / "env.yml").write_text("dependencies: [python]\n")
    result = conda_docker("inspect", "env.yml")
    assert result.returncode == 2
    assert "but not an image" in result.stderr
