"""`conda-docker build --dry-run`: what a build would do, and nothing done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from conda_docker.cli.exit_codes import ExitCode
from conda_docker.dry_run import DryRun
from tests import peers
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.pypi.wheels import make_wheel
from tests.images import write_docker_archive, write_oci_layout

DOCS = Path(__file__).parents[4] / "docs"
SCHEMA = DOCS / "dry-run.schema.json"

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"lib/libpython.so": b"python"})
TOOL = SyntheticPackage(name="tool", version="1.0", depends=("python",), files={"lib/tool.so": b"tool"})
NEW = SyntheticPackage(name="new", version="2.0", depends=("python",), files={"lib/new.so": b"new"})


@pytest.fixture
def server(synthetic_channel: SyntheticChannel) -> Iterator[ChannelServer]:
    """Return a server of a channel with a few packages."""
    synthetic_channel.add(PYTHON, TOOL, NEW)
    running = ChannelServer(synthetic_channel.folder).start()
    yield running
    running.stop()


def dry_run(conda_docker: Run, *args: str | Path, base: str = "scratch", **options: Any) -> dict[str, Any]:
    """Return the report of a dry run, which is as its schema says."""
    result = conda_docker("build", "-b", base, "--dry-run", "--json", *args, **options)
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    return report


def explicit(tmp_path: Path, server: ChannelServer, channel: SyntheticChannel, *packages: SyntheticPackage) -> Path:
    """Return a list of exact packages, which the server has."""
    path = tmp_path / "explicit.txt"
    urls = [
        f"{channel.locked(package, url=server.url).url}#{channel.record(package)['sha256']}" for package in packages
    ]
    path.write_text("@EXPLICIT\n" + "\n".join(urls) + "\n")
    return path


def sources(report: dict[str, Any], platform: int = 0) -> dict[str, str]:
    return {package["name"]: package["source"] for package in report["platforms"][platform]["packages"]}


def test_the_schema_is_that_of_the_report() -> None:
    schema = TypeAdapter(DryRun).json_schema(mode="serialization")
    text = json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        SCHEMA.write_text(text)
    assert SCHEMA.read_text() == text, f"{SCHEMA.name} differs; UPDATE_SNAPSHOTS=1 writes it anew"


def test_what_would_be_downloaded_and_made(conda_docker: Run, server: ChannelServer, tmp_path: Path) -> None:
    args = ("-c", server.url, "--override-channels", "tool", "-o", "oci:out")
    report = dry_run(conda_docker, *args)
    [platform] = report["platforms"]
    assert sources(report) == {"python": "download", "tool": "download"}
    total = sum(package["size"] for package in platform["packages"])
    assert report["download"] == report["make"] == {"bytes": total, "unknown": 0}
    assert [(layer["kind"], layer["packages"], layer["known"]) for layer in platform["layers"]] == [
        ("packages", ["python"], False),
        ("packages", ["tool"], False),
        ("environment", [], False),
    ]
    assert report["outputs"] == [{"location": "oci:out", "send": {"bytes": 0, "unknown": 3}, "reason": None}]
    assert not (tmp_path / "out").exists()
    assert not [path for _, path in server.requests if path.endswith(".conda")]
    assert not list((tmp_path / "cache").rglob("*.conda"))
    assert not [path for path in (tmp_path / "cache").glob("blobs/**/*") if path.is_file()]
    assert dry_run(conda_docker, *args) == report


def test_after_a_build_all_is_known(conda_docker: Run, server: ChannelServer) -> None:
    args = ("-c", server.url, "--override-channels", "-b", "scratch", "-o", "oci:out")
    built = json.loads(conda_docker("build", *args, "--json", "tool").stdout)["platforms"][0]["layers"]
    report = dry_run(conda_docker, *args, "tool")
    layers = report["platforms"][0]["layers"]
    assert [(layer["digest"], layer["size"]) for layer in layers[:2]] == [
        (layer["digest"], layer["size"]) for layer in built[:2]
    ]
    assert sources(report) == {"python": "layer", "tool": "layer"}
    assert report["download"] == report["make"] == {"bytes": 0, "unknown": 0}
    assert report["outputs"][0]["send"] == {"bytes": 0, "unknown": 1}
    assert dry_run(conda_docker, *args, "tool", "--no-cache")["make"]["bytes"] > 0


def test_modules_that_no_python_here_compiles(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    pure = SyntheticPackage(
        name="pure", depends=("python",), noarch="python", files={"site-packages/pure.py": b"x = 1\n"}
    )
    synthetic_channel.add(PYTHON, pure)
    args = ("-c", synthetic_channel.url, "--override-channels", "-b", "scratch", "-o", "oci:out", "pure")
    [platform] = dry_run(conda_docker, *args)["platforms"]
    assert "no Python 3.12.1 is on PATH" in platform["notes"][0]
    assert conda_docker("build", *args).returncode == 0
    report = dry_run(conda_docker, *args)
    assert sources(report) == {"python": "layer", "pure": "layer"}
    assert "not byte-compiled, as in earlier builds" in report["platforms"][0]["notes"][0]


def test_a_list_of_exact_packages_needs_no_network(
    conda_docker: Run, server: ChannelServer, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    file = explicit(tmp_path, server, synthetic_channel, PYTHON, TOOL)
    report = dry_run(conda_docker, "-f", file, "--platform", "linux-64")
    assert server.requests == []
    assert report["download"] == {"bytes": 0, "unknown": 2}
    assert any(
        "2 packages must be downloaded before everything is known" in note for note in report["platforms"][0]["notes"]
    )
    assert conda_docker("build", "-b", "scratch", "-f", file, "-o", "oci:out").returncode == 0
    server.requests.clear()
    assert sources(dry_run(conda_docker, "-f", file)) == {"python": "layer", "tool": "layer"}
    assert server.requests == []


def test_offline_what_is_missing_is_the_error_of_the_build(
    conda_docker: Run, server: ChannelServer, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    file = explicit(tmp_path, server, synthetic_channel, PYTHON)
    result = conda_docker("build", "-b", "scratch", "-f", file, "--offline", "--dry-run")
    assert result.returncode == 6
    assert "1 package is not on this machine, and --offline forbids downloading it" in result.stderr


def test_archives_on_this_machine_are_named(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PYTHON)
    report = dry_run(conda_docker, "-c", synthetic_channel.url, "--override-channels", "python")
    [package] = report["platforms"][0]["packages"]
    assert (package["source"], package["path"]) == ("archive", str(synthetic_channel.path(PYTHON)))
    assert report["outputs"] == []


def test_wheels_are_chosen_by_uv(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(PYTHON)
    (tmp_path / "wheels").mkdir()
    wheel = make_wheel(tmp_path / "wheels", "fun", version="1.5")
    file = tmp_path / "environment.yml"
    file.write_text(
        f"channels: [{synthetic_channel.url}, nodefaults]\n"
        "dependencies: [python, {pip: [--no-index, --find-links wheels, fun]}]\n"
    )
    report = dry_run(conda_docker, "-f", file, "--override-channels", "-c", synthetic_channel.url)
    package = report["platforms"][0]["packages"][-1]
    assert (package["kind"], package["name"], package["version"], package["build"]) == ("wheel", "fun", "1.5", None)
    assert (package["source"], package["path"], package["size"]) == ("archive", str(wheel), wheel.stat().st_size)
    assert f"what {file} asks of pip was resolved by uv" in report["platforms"][0]["notes"]


def test_virtual_packages_say_where_they_come_from(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PYTHON)
    args = ("-c", synthetic_channel.url, "--override-channels", "--virtual-package", "cuda=12.4", "python")
    report = dry_run(conda_docker, *args, env={"CONDA_OVERRIDE_LINUX": "5.10"})
    assert {p["name"]: p["origin"] for p in report["platforms"][0]["virtual_packages"]} == {
        "__archspec": "platform",
        "__cuda": "option",
        "__glibc": "default",
        "__linux": "environment variable",
        "__unix": "platform",
    }


def test_several_platforms(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(
        *(
            SyntheticPackage(name="a", subdir=subdir, files={"a": subdir.encode()})
            for subdir in ("linux-64", "linux-aarch64")
        )
    )
    args = ("-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64,linux/arm64", "a")
    report = dry_run(conda_docker, *args, "-o", "oci:out")
    assert [platform["platform"] for platform in report["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert report["outputs"][0]["send"] == {"bytes": 0, "unknown": 4}


def test_the_base_and_its_layers(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(PYTHON)
    write_docker_archive(tmp_path / "base.tar", LAYERS)
    args = ("-c", synthetic_channel.url, "--override-channels", "python", "-o", "oci:out")
    report = dry_run(conda_docker, *args, base="docker-archive:base.tar")
    base = report["platforms"][0]["base"]
    assert (base["name"], [layer["here"] for layer in base["layers"]]) == ("docker-archive:base.tar", [True, True])
    assert report["outputs"][0]["send"] == {"bytes": base["size"], "unknown": 2}


def test_a_registry_s_base_is_not_downloaded_for_a_lock_file(
    conda_docker: Run,
    server: ChannelServer,
    synthetic_channel: SyntheticChannel,
    registry: peers.Registry,
    repository: str,
    tmp_path: Path,
) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, tag="v1")
    name = f"{registry.host}/{repository}:base"
    assert conda_docker("copy", "oci:base:v1", f"docker://{name}").returncode == 0
    args = ("-f", explicit(tmp_path, server, synthetic_channel, PYTHON))
    report = dry_run(conda_docker, *args, base=name)
    base = report["platforms"][0]["base"]
    assert [layer["here"] for layer in base["layers"]] == [False, False]
    assert report["download"] == {"bytes": base["size"], "unknown": 1}
    assert any("has not been read before" in note for note in report["platforms"][0]["notes"])
    assert conda_docker("build", "-b", name, *args, "-o", "oci:out").returncode == 0
    before = len(registry.requests())
    again = dry_run(conda_docker, *args, "--offline", base=name)
    assert (len(registry.requests()), again["download"]) == (before, {"bytes": 0, "unknown": 0})


def test_a_registry_is_asked_what_it_has(
    conda_docker: Run, synthetic_channel: SyntheticChannel, registry: peers.Registry, repository: str
) -> None:
    synthetic_channel.add(PYTHON)
    name = f"{registry.host}/{repository}:1"
    args = ("-c", synthetic_channel.url, "--override-channels", "-i", name, "--push", "python")
    assert dry_run(conda_docker, *args)["outputs"][0]["send"] == {"bytes": 0, "unknown": 2}
    assert conda_docker("build", "-b", "scratch", *args).returncode == 0
    before = len(registry.requests())
    assert dry_run(conda_docker, *args)["outputs"][0]["send"] == {"bytes": 0, "unknown": 1}
    assert {request.method for request in registry.requests(before)} <= {"GET", "HEAD"}


def test_a_registry_that_cannot_be_asked(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(PYTHON)
    args = ("-c", synthetic_channel.url, "--override-channels", "-b", "scratch", "-i", "localhost:1/a:1", "python")
    assert conda_docker("build", *args, "-o", "oci:out").returncode == 0
    [output] = dry_run(conda_docker, *args, "--push")["outputs"]
    assert output["send"] is None
    assert "localhost:1" in output["reason"]


def test_link_scripts_of_known_layers_are_named(conda_docker: Run, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(SyntheticPackage(name="a", files={"bin/.a-post-link.sh": b"true\n"}))
    args = ("-c", synthetic_channel.url, "--override-channels", "-b", "scratch", "-o", "oci:out", "a")
    assert conda_docker("build", *args).returncode == 0
    [platform] = dry_run(conda_docker, *args)["platforms"]
    assert any(note.startswith("the post-link scripts of a would not be run") for note in platform["notes"])
    refused = conda_docker("build", *args, "--dry-run", "--link-scripts", "refuse")
    assert (refused.returncode, "does not allow: a" in refused.stderr) == (1, True)


def test_the_summary_is_for_people(conda_docker: Run, server: ChannelServer) -> None:
    args = ("build", "-b", "scratch", "-c", server.url, "--override-channels", "-o", "oci:out")
    assert conda_docker(*args, "tool").returncode == 0
    lines = conda_docker(*args, "tool", "new", "--dry-run").stdout.splitlines()
    rows = {line[:11].strip(): line[11:].strip() for line in lines}
    assert rows["image"] == "conda-docker:latest (dry run: nothing is written)"
    assert rows["packages"] == "3: 2 in known layers, 1 to download"
    assert rows["layers"] == "2 known, 1 to make, and the environment's own, which every build makes"
    assert lines[-2].split()[:4] == ["3", "new", "2.0", "0"]
    assert lines[-2].endswith(f"download from {server.url}/linux-64")


def test_a_lock_file_with_wheels_needs_no_network(
    conda_docker: Run, server: ChannelServer, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    python = synthetic_channel.locked(PYTHON, url=server.url)
    wheel = f"{server.url}/fun-1.5-py3-none-any.whl"
    (tmp_path / "pixi.lock").write_text(
        "version: 6\n"
        "environments:\n"
        "  default:\n"
        f"    channels: [url: '{server.url}/']\n"
        "    packages:\n"
        "      linux-64:\n"
        f"      - conda: {python.url}\n"
        f"      - pypi: {wheel}\n"
        "packages:\n"
        f"- conda: {python.url}\n  sha256: {python.sha256}\n  depends: []\n  size: {python.size}\n"
        f"- pypi: {wheel}\n  name: fun\n  version: '1.5'\n  sha256: {'0' * 64}\n"
    )
    report = dry_run(conda_docker, "-f", tmp_path / "pixi.lock", "--platform", "linux-64")
    assert server.requests == []
    assert sources(report) == {"python": "download", "fun": "download"}
    assert report["download"] == {"bytes": python.size, "unknown": 1}


def test_no_package_is_downloaded_to_choose_wheels(conda_docker: Run, server: ChannelServer, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", "fun", requires=["tool"])
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: [tool, {pip: [--no-index, --find-links wheels, fun]}]\n")
    report = dry_run(conda_docker, "-f", file, "--override-channels", "-c", server.url)
    assert sources(report) == {"python": "download", "tool": "download", "fun": "archive"}
    assert not [path for _, path in server.requests if path.endswith(".conda")]
    assert any("their records were taken for it" in note for note in report["platforms"][0]["notes"])


def test_packages_that_share_a_layer(conda_docker: Run, server: ChannelServer) -> None:
    args = ("build", "-b", "scratch", "-c", server.url, "--override-channels", "--layering-strategy", "single", "tool")
    lines = conda_docker(*args, "--dry-run").stdout.splitlines()
    assert [line.split()[:2] for line in lines[-3:]] == [["1", "python"], ["tool", "1.0"], ["2", "(environment)"]]


def test_no_secret_is_shown(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(PYTHON)
    server = ChannelServer(synthetic_channel.folder, token="sesame").start()
    try:
        args = ("build", "-b", "scratch", "-c", f"{server.url}/t/sesame", "--override-channels", "--dry-run", "python")
        results = [conda_docker(*args), conda_docker(*args, "--json")]
    finally:
        server.stop()
    assert [result.returncode for result in results] == [0, 0]
    assert not any("sesame" in result.stdout + result.stderr for result in results)


def test_a_file_to_add_that_is_not_there_fails_as_in_a_build(conda_docker: Run, server: ChannelServer) -> None:
    args = ("build", "-b", "scratch", "-c", server.url, "--override-channels", "--add", "nothere:/x", "tool")
    dry, real = conda_docker(*args, "--dry-run"), conda_docker(*args, "-o", "demo.tar")
    assert dry.returncode == real.returncode == ExitCode.NOT_FOUND
    assert dry.stderr.splitlines()[-1] == real.stderr.splitlines()[-1]
