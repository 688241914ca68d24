"""The project's own image, as `container/conda-docker.toml` declares it: it runs, builds an image and serves one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from conda_docker.link.bytecode.python_program import minor_version
from demo.base import make_base
from demo.channel import IndexUnreachable, RealChannel
from demo.interpreter import VERSION
from demo.unpack import unpack
from demo.wheels import fetch_wheels
from python_docker import __version__
from python_docker.transports import open_image, write_image
from tests.conda_docker.conftest import real_channel
from tests.peers import DockerEngine, Podman, availability, run_in_bwrap
from tests.peers.ports import free_port

__all__ = ["real_channel"]

ROOT = Path(__file__).resolve().parents[1]
CONTAINER = ROOT / "container"
KUBERNETES = ROOT / "docs" / "examples" / "serve-kubernetes.yaml"
BUILD = ("build", "-b", "scratch", "--override-channels", "--no-config", "--quiet", "markupsafe")


@pytest.fixture(scope="module")
def image(real_channel: RealChannel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a layout with the image, of this machine's Python, C library and busybox."""
    folder = tmp_path_factory.mktemp("own-image")
    try:
        fetch_wheels(["xxhash"], folder / "probe")
    except IndexUnreachable as error:
        pytest.skip(str(error))
    text = (CONTAINER / "environment.yml").read_text()
    text = text.replace("conda-forge", real_channel.url).replace("python=3.13.*", f"python={VERSION}")
    file = folder / "environment.yml"
    file.write_text(text.replace("- ..[serve]\n", f"- {ROOT}[serve]\n"))
    # The channel's Python brings no certificates, as conda-forge's does.
    certificates = f"/opt/conda/lib/python{minor_version(VERSION)}/site-packages/certifi/cacert.pem"
    options = [
        "--file",
        str(file),
        "--env",
        f"SSL_CERT_FILE={certificates}",
        "--base",
        f"oci:{make_base()}",
        "--platform",
        real_channel.subdir,
    ]
    environment = {**os.environ, "CONDA_DOCKER_CACHE": str(folder / "cache"), "HOME": str(folder)}
    command: list[str | Path] = [
        Path(sys.executable).with_name("conda-docker"),
        "build",
        *options,
        "-o",
        f"oci:{folder / 'image'}",
    ]
    done = subprocess.run(
        command, cwd=CONTAINER, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "image"


@pytest.fixture(scope="module")
def root(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "rootfs"
    unpack(open_image(f"oci:{image}"), folder)
    return folder


def variables(image: Path) -> dict[str, str]:
    return {**open_image(f"oci:{image}").config.environment, "HOME": "/root"}


def test_it_says_what_it_is(image: Path) -> None:
    config = open_image(f"oci:{image}").config
    assert config["Labels"]["org.opencontainers.image.title"] == "conda-docker"
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert config["Cmd"] == ["conda-docker", "--help"]
    assert config["User"] == ""


def test_the_program_starts(image: Path, root: Path) -> None:
    said = run_in_bwrap(root, "sh", "-c", "conda-docker --version", env=variables(image)).stdout
    assert said == f"conda-docker {__version__}\n"


def test_an_image_is_built_in_it(image: Path, root: Path, real_channel: RealChannel, tmp_path: Path) -> None:
    shutil.copytree(real_channel.folder, root / "srv/channel", dirs_exist_ok=True)
    channel = ("-c", "file:///srv/channel")
    inside = run_in_bwrap(root, "conda-docker", *BUILD, *channel, "-o", "oci:/srv/layout", env=variables(image)).stdout
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", inside)
    assert open_image(f"oci:{root / 'srv/layout'}").digest == inside.strip()


def test_it_serves_images_as_an_ordinary_user_with_a_read_only_root(
    image: Path, real_channel: RealChannel, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    write_image(open_image(f"oci:{image}"), f"docker-archive:{tmp_path / 'own.tar'}:conda-docker/own:1")
    docker_engine.load(tmp_path / "own.tar")
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 1000, 1000)
    port = free_port()
    mounts = {data: "/data", real_channel.folder: "/srv/channel:ro", make_base(): "/srv/base:ro"}
    limited = ("--user", "1000:1000", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    serve = ("--channel", "file:///srv/channel", "--base", "oci:/srv/base", "--platform", "linux/amd64")
    container = docker_engine.docker(
        *("run", "--detach", "--network", "host", "--tmpfs", "/tmp", "--env", "HOME=/data", *limited),
        *(word for host, inside in mounts.items() for word in ("--volume", f"{host}:{inside}")),
        *("conda-docker/own:1", "conda-docker", "serve", "--port", str(port), *serve),
    ).stdout.strip()
    try:
        wait_until_it_answers(port, lambda: docker_engine.docker("logs", container, check=False).stderr)
        name = f"localhost:{port}/python-{minor_version(VERSION)}/flask"
        docker_engine.docker("pull", name)
        assert docker_engine.run(name, "python", "-c", "import flask; print(flask.__name__)").stdout == "flask\n"
    finally:
        docker_engine.docker("rm", "--force", container)
    written = {path.name for path in data.iterdir()} | {path.name for path in (data / ".cache").iterdir()}
    assert written <= {".cache", "conda-docker", "rattler"}


def test_it_serves_images_as_the_example_for_kubernetes_says(
    image: Path, real_channel: RealChannel, podman_engine: Podman, tmp_path: Path
) -> None:
    availability.require("catatonit")
    objects = {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES.read_text())}
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    write_image(open_image(f"oci:{image}"), f"docker-archive:{tmp_path / 'own.tar'}:{container['image']}")
    podman_engine.podman("load", "--input", tmp_path / "own.tar")
    port = free_port()
    for_this_machine(objects, real_channel, port)
    (tmp_path / "here.yaml").write_text(yaml.safe_dump_all(objects.values()))
    podman_engine.podman("kube", "play", tmp_path / "here.yaml")
    try:
        server = f"images-pod-0-{container['name']}"
        wait_until_it_answers(port, lambda: podman_engine.podman("logs", server, check=False).stderr)
        podman_engine.podman("pull", "--tls-verify=false", f"localhost:{port}/python-{minor_version(VERSION)}/flask")
        assert podman_engine.podman("exec", server, "id", "-u").stdout == "1000\n"
        refused = podman_engine.podman("exec", server, "touch", "/written", check=False)
        assert "Read-only file system" in refused.stderr
    finally:
        podman_engine.podman("kube", "down", tmp_path / "here.yaml")
        for group in Path("/sys/fs/cgroup").glob("*/libpod_parent"):
            with suppress(OSError):  # of which other pods are in
                group.rmdir()


def for_this_machine(objects: dict[str, Any], channel: RealChannel, port: int) -> None:
    """Change the example: this machine's network, and a channel and a base in folders of the machine."""
    configuration = {"channels": ["file:///srv/channel"], "base": "oci:/srv/base", "platforms": ["linux/amd64"]}
    objects["ConfigMap"]["data"]["serve.toml"] = "".join(f"{key} = {value!r}\n" for key, value in configuration.items())
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    pod["hostNetwork"] = True
    container["command"][-1] = str(port)
    container["ports"] = []
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        container[probe]["httpGet"]["port"] = port
    for name, folder in (("channel", channel.folder), ("base", make_base())):
        pod["volumes"].append({"name": name, "hostPath": {"path": str(folder), "type": "Directory"}})
        container["volumeMounts"].append({"name": name, "mountPath": f"/srv/{name}", "readOnly": True})


def wait_until_it_answers(port: int, log: Callable[[], str]) -> None:
    for _ in range(1200):
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=10) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log())


def test_the_declaration_is_of_this_project() -> None:
    declared = tomllib.loads((CONTAINER / "conda-docker.toml").read_text())
    assert declared["file"] == ["environment.yml"]
    _, wheels = yaml.safe_load((CONTAINER / "environment.yml").read_text())["dependencies"]
    assert (CONTAINER / wheels["pip"][0].removesuffix("[serve]")).resolve() == ROOT
