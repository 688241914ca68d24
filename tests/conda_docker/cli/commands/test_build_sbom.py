"""`conda-docker build --sbom`, and `inspect --sbom`: bills of materials as users meet them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from conda_docker import lock
from conda_docker.sbom.described import described_images
from python_docker.copying.choose import manifest_of
from python_docker.copying.referrer import read_referrers
from python_docker.registry.client import RegistryClient
from python_docker.registry.referrers import referrers
from python_docker.spec.platform import Platform
from python_docker.transports import open_image, open_source
from tests import peers
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.pypi.wheels import make_wheel
from tests.images import write_oci_layout

CYCLONEDX, SPDX = "application/vnd.cyclonedx+json", "application/spdx+json"
SITE = "site-packages/"
PYTHON = SyntheticPackage(
    name="python",
    version="3.12.1",
    files={"bin/python3.12": File(b"python", mode=0o755)},
    index={"license": "Python-2.0", "timestamp": 1_700_000_000_000},
)
YAML = SyntheticPackage(
    name="pyyaml",
    version="6.0",
    noarch="python",
    depends=("python >=3.9",),
    files={f"{SITE}yaml.py": b"", f"{SITE}PyYAML-6.0.dist-info/METADATA": b"Name: PyYAML\n\n"},
    index={"license": "mit", "extra": {"remote_url": "https://example.com/yaml", "sha": "0" * 40}},
)
ODD = SyntheticPackage(name="odd", depends=("pyyaml", "__glibc"), files={"odd": b"1"}, index={"license": "See LICENSE"})

Build = Callable[..., CompletedProcess[str]]


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel) -> Build:
    """Return a function that builds `odd`, which needs all there is."""
    synthetic_channel.add(PYTHON, YAML, ODD)

    def run(*args: str | Path, base: str = "scratch") -> CompletedProcess[str]:
        channel = ["-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64"]
        return conda_docker("build", "-b", base, *channel, "-i", "demo:1.0", "--bytecode", "never", *args)

    return run


def cyclonedx(build: Build, tmp_path: Path, *args: str, base: str = "scratch") -> dict[str, Any]:
    result = build(
        "-o", "demo.tar", "--sbom", "cyclonedx", "--sbom-output", "bill.json", *(args or ("odd",)), base=base
    )
    assert result.returncode == 0, result.stderr
    bill: dict[str, Any] = json.loads((tmp_path / "bill.json").read_text())
    return bill


def packages(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the packages in a bill by their package URLs."""
    return {one["purl"]: one for one in bill["components"] if one["type"] == "library"}


def attached(place: str, media_type: str) -> list[bytes]:
    source = open_source(place)
    try:
        manifest, _ = manifest_of(source, None)
        return list(read_referrers(source, manifest.digest, media_type))
    finally:
        source.close()


def test_the_packages_are_those_of_the_locked_environment(
    build: Build, tmp_path: Path, synthetic_channel: SyntheticChannel
) -> None:
    found = packages(cyclonedx(build, tmp_path))
    locked = lock(["odd"], channels=[synthetic_channel.url], override_channels=True, platform="linux-64")
    conda = {purl: one for purl, one in found.items() if purl.startswith("pkg:conda/")}
    assert {(one["name"], one["version"]) for one in conda.values()} == {
        (package.name, package.version) for package in locked.packages
    }
    assert {digest["content"] for one in conda.values() for digest in one["hashes"] if digest["alg"] == "SHA-256"} == {
        package.sha256 for package in locked.packages
    }


def test_what_conda_packages_bring_to_pip_is_named_too(build: Build, tmp_path: Path) -> None:
    found = packages(cyclonedx(build, tmp_path))
    assert [purl for purl in found if purl.startswith("pkg:pypi/")] == ["pkg:pypi/pyyaml@6.0"]


def test_licences_are_expressions_or_the_packages_own_words(build: Build, tmp_path: Path) -> None:
    stated = {
        one["name"]: one["licenses"] for purl, one in packages(cyclonedx(build, tmp_path)).items() if "conda" in purl
    }
    assert stated["pyyaml"] == [{"license": {"id": "MIT"}}]
    assert stated["odd"] == [{"license": {"name": "See LICENSE"}}]


def test_suppliers(build: Build, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    bill = packages(cyclonedx(build, tmp_path))
    assert {one["supplier"]["name"] for purl, one in bill.items() if "conda" in purl} == {synthetic_channel.url}
    assert "supplier" not in bill["pkg:pypi/pyyaml@6.0"]  # the conda package that brings it has one


def test_dependencies(build: Build, tmp_path: Path) -> None:
    bill = cyclonedx(build, tmp_path)
    purls = {one["name"]: purl for purl, one in packages(bill).items() if purl.startswith("pkg:conda/")}
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert needs["image"] == [purls["odd"]]
    assert needs[purls["odd"]] == [purls["pyyaml"]]
    assert sorted(needs[purls["pyyaml"]]) == sorted([purls["python"], "pkg:pypi/pyyaml@6.0"])


def test_base_and_layers(build: Build, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, tag="v1")
    bill = cyclonedx(build, tmp_path, base="oci:base:v1")
    base = next(one for one in bill["components"] if one["bom-ref"] == "base-image")
    assert base["version"] == open_source(f"oci:{tmp_path}/base").root().digest
    assert len([one for one in bill["components"] if one["type"] == "file"]) == len(LAYERS) + 4


def test_wheels(build: Build, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    wheel = make_wheel(tmp_path, "demo-wheel", "2.0", {"demo_wheel.py": ""}, license_expression="0BSD")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lines = ["# platform: linux-64", "@EXPLICIT"]
    lines += [synthetic_channel.locked(package).url for package in (PYTHON, YAML)]
    lines += [f"# pip demo-wheel @ {wheel.as_uri()} --hash=sha256:{digest}"]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    found = packages(cyclonedx(build, tmp_path, "-f", "list.txt"))
    assert found["pkg:pypi/demo-wheel@2.0"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert found["pkg:pypi/demo-wheel@2.0"]["licenses"] == [{"license": {"id": "0BSD"}}]


def test_where_a_package_was_built_from(build: Build, tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    """conda-forge says so in the package's about.json; it is noted while the layer is made, and known without it."""
    about = {"extra": {"remote_url": "https://me:secret@example.com/feedstock", "sha": "0" * 40, "flow_run_id": "7"}}
    package = SyntheticPackage(name="traced", files={"a": b"1"}, info={"about.json": json.dumps(about).encode()})
    archive = synthetic_channel.add(package)[0]
    for _ in ("cold", "warm"):
        [found] = packages(cyclonedx(build, tmp_path, "traced")).values()
        assert {"type": "vcs", "url": "https://example.com/feedstock"} in found["externalReferences"]
        properties = {one["name"]: one["value"] for one in found["properties"]}
        assert (properties["conda:sha"], properties["conda:flowRunId"]) == ("0" * 40, "7")
        archive.write_bytes(b"not read again")


@pytest.mark.parametrize("place", ["oci:out:1.0", "oci-archive:out.tar:1.0"])
def test_attached_in_layouts_and_read_back(place: str, build: Build, conda_docker: Run, tmp_path: Path) -> None:
    result = build("-o", place, "--sbom", "cyclonedx", "--sbom", "spdx", "odd")
    assert result.returncode == 0, result.stderr
    transport, _, rest = place.partition(":")
    for name, media_type in (("cyclonedx", CYCLONEDX), ("spdx", SPDX)):
        [bill] = attached(f"{transport}:{tmp_path}/{rest}", media_type)
        shown = conda_docker("inspect", "--sbom", name, place)
        assert shown.stdout.encode() == bill
        assert shown.stderr == ""
    assert conda_docker("validate", place).returncode == 0


def test_two_builds_give_the_same_bytes(build: Build, tmp_path: Path) -> None:
    for name in "ab":
        arguments = [
            "--sbom",
            "cyclonedx",
            "--sbom-output",
            f"{name}.cdx",
            "--sbom",
            "spdx",
            "--sbom-output",
            f"{name}.spdx",
        ]
        result = build("-o", f"oci-archive:{name}.tar", *arguments, "--cache-dir", f"cache-{name}", "odd")
        assert result.returncode == 0, result.stderr
    for suffix in ("cdx", "spdx", "tar"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_made_from_history_where_none_is_attached(build: Build, conda_docker: Run) -> None:
    build("-o", "demo.tar", "odd")
    shown = conda_docker("inspect", "--sbom", "cyclonedx", "demo.tar")
    assert sorted(one["name"] for one in packages(json.loads(shown.stdout)).values()) == ["odd", "python", "pyyaml"]
    assert "made from the image's history" in shown.stderr


def test_an_image_without_packages(conda_docker: Run, layout: str) -> None:
    shown = conda_docker("inspect", "--sbom", "spdx", layout)
    assert shown.returncode == 4
    assert "names no conda packages" in shown.stderr


def test_a_layout_keeps_the_bills_of_other_images(build: Build, tmp_path: Path) -> None:
    build("-o", "oci:out:1.0", "--sbom", "spdx", "odd")
    build("-o", "oci:out:2.0", "--sbom", "spdx", "python")
    assert [len(attached(f"oci:{tmp_path}/out:{tag}", SPDX)) for tag in ("1.0", "2.0")] == [1, 1]


def test_a_file_with_the_bill_of_an_image_that_has_an_index(build: Build, tmp_path: Path) -> None:
    asked = ["--buildkit-attestations", "--sbom", "spdx", "--sbom-output", "bill.json"]
    result = build("-o", "oci:out:1.0", *asked, "odd")
    assert result.returncode == 0, result.stderr
    digest = open_image(f"oci:{tmp_path}/out:1.0").digest
    assert described_images(json.loads((tmp_path / "bill.json").read_text())) == {digest}


def test_a_platform_each(build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(SyntheticPackage(name="plain", noarch="generic", files={"plain": b"1"}))
    result = build("--platform", "linux/arm64", "-o", "oci:out:1.0", "--sbom", "cyclonedx", "plain")
    assert result.returncode == 0, result.stderr
    for platform in ("linux/amd64", "linux/arm64"):
        shown = conda_docker("inspect", "--sbom", "cyclonedx", "--platform", platform, "oci:out:1.0")
        properties = json.loads(shown.stdout)["metadata"]["component"]["properties"]
        assert {"name": "conda-docker:platform", "value": platform} in properties


def test_a_file_in_the_image_of_each_platform(
    build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="plain", noarch="generic", files={"plain": b"1"}))
    result = build("--platform", "linux/arm64", "-o", "oci:out:1.0", "--sbom-in-image", "cyclonedx", "plain")
    assert result.returncode == 0, result.stderr
    for platform in ("linux/amd64", "linux/arm64"):
        top = open_image(f"oci:{tmp_path}/out:1.0", platform=Platform.parse(platform)).layers[0]
        [bill] = [json.loads(file.read()) for entry, file in top.entries() if entry.path.endswith(".cdx.json")]
        properties = bill["metadata"]["component"]["properties"]
        assert properties == [{"name": "conda-docker:platform", "value": platform}]
        assert [one["name"] for one in bill["components"]] == ["plain"]


class TestMistakes:
    def test_nowhere_to_attach_it(self, build: Build) -> None:
        result = build("-o", "demo.tar", "--sbom", "spdx", "odd")
        assert result.returncode == 2
        assert "nothing can be attached to the image in docker-archive:demo.tar" in result.stderr

    def test_a_file_without_a_format(self, build: Build) -> None:
        result = build("-o", "oci:out:1", "--sbom-output", "bill.json", "odd")
        assert (result.returncode, "once for each --sbom" in result.stderr) == (2, True)

    def test_one_file_for_two(self, build: Build) -> None:
        options = ["--sbom", "spdx", "--sbom", "cyclonedx", "--sbom-output", "a", "--sbom-output", "a"]
        result = build("-o", "oci:out:1", *options, "odd")
        assert (result.returncode, "would both be written to a" in result.stderr) == (2, True)

    def test_a_folder_that_is_not_there(self, build: Build, tmp_path: Path) -> None:
        result = build("-o", "oci:out:1", "--sbom", "spdx", "--sbom-output", "no/bill.json", "odd")
        assert (result.returncode, "there is no folder" in result.stderr) == (4, True)
        assert not (tmp_path / "out").exists()

    def test_libraries_that_are_not_installed(
        self, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        result = build("-o", "oci:out:1", "--sbom", "spdx", "odd")
        assert result.returncode == 1
        assert "pip install 'conda-docker[sbom]'" in result.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.peer("docker-registry")
def test_attached_in_a_registry_without_referrers(build: Build, conda_docker: Run, tmp_path: Path) -> None:
    registry = peers.start_registry(tmp_path / "registry")
    try:
        name = f"{registry.host}/team/demo:1.0"
        result = build("-i", name, "--push", "--sbom", "cyclonedx", "--sbom", "spdx", "odd")
        assert result.returncode == 0, result.stderr
        [bill] = attached(f"docker://{name}", SPDX)
        assert conda_docker("inspect", "--sbom", "spdx", name).stdout.encode() == bill
        client = RegistryClient(registry.url)
        digest = client.manifest_digest("team/demo", "1.0")
        assert len(referrers(client, "team/demo", digest).manifests) == 2
    finally:
        registry.stop()


@pytest.mark.peer("skopeo")
def test_skopeo_copies_a_layout_with_bills(build: Build, tmp_path: Path) -> None:
    assert build("-o", "oci:out:1.0", "--sbom", "cyclonedx", "odd").returncode == 0
    skopeo = peers.Program(peers.require("skopeo"))
    skopeo("copy", f"oci:{tmp_path}/out:1.0", f"oci:{tmp_path}/copy:1.0")
    copied, original = (open_source(f"oci:{tmp_path}/{place}:1.0").root() for place in ("copy", "out"))
    assert copied.digest == original.digest
