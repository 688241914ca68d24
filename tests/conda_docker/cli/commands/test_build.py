"""`conda-docker build`."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from conda_docker.cli.exit_codes import ExitCode
from python_docker import Image
from python_docker.copying.choose import image_of
from python_docker.spec.media_types import layer_compression
from python_docker.spec.platform import Platform
from python_docker.transports import open_image, open_source
from tests import peers
from tests.archives import docker_members, tar_of
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import LAYERS, Run
from tests.conda_docker.exit_codes import FAILURES
from tests.images import hello_config, write_oci_layout
from tests.peers.processor_time import processor_time
from tests.processes import ended_with_us, wait_for

Build = Callable[..., CompletedProcess[str]]

PYTHON = SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python", mode=0o755)})
NUMPY = SyntheticPackage(
    name="numpy", version="2.1", depends=("python",), files={"lib/numpy.so": b"numpy", "lib/libnumpy.a": b"static"}
)


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel) -> Build:
    """Return a function that builds from a channel with `python` and `numpy`, on scratch unless told otherwise."""
    synthetic_channel.add(PYTHON, NUMPY)

    def run(*args: str, base: str = "scratch", **options: object) -> CompletedProcess[str]:
        channel = ["-c", synthetic_channel.url, "--override-channels"]
        return conda_docker("build", "-b", base, *channel, *args, **options)

    return run


def write_docker_base(path: Path) -> None:
    path.write_bytes(tar_of(docker_members(LAYERS, tags=["base:1"])))


def read(place: str, tmp_path: Path) -> Image:
    transport, _, path = place.partition(":")
    return open_image(f"{transport}:{tmp_path / path}")


def test_an_archive_of_an_environment(build: Build, tmp_path: Path) -> None:
    result = build("-i", "demo:1.0", "-o", "demo.tar", "numpy")
    assert result.returncode == 0
    image = open_image(str(tmp_path / "demo.tar"))
    assert (image.name, image.tag) == ("demo", "1.0")
    assert "opt/conda/lib/numpy.so" in image.list_files()
    assert "docker load -i demo.tar && docker run --rm -it demo:1.0" in result.stdout


def test_a_second_build_reuses_layers_and_tells_so(build: Build, tmp_path: Path) -> None:
    first, second = (json.loads(build("-o", f"oci:{place}", "--json", "numpy").stdout) for place in "ab")
    assert [layer["cached"] for layer in first["platforms"][0]["layers"]] == [False, False, False]
    assert [layer["cached"] for layer in second["platforms"][0]["layers"]] == [True, True, False]
    assert first["digest"] == second["digest"] == open_image(f"oci:{tmp_path}/b").digest


def test_the_report_tells_of_each_layer(build: Build, tmp_path: Path) -> None:
    [platform] = json.loads(build("-o", "oci:out", "--trim", "--json", "numpy").stdout)["platforms"]
    image = open_image(f"oci:{tmp_path}/out")
    layers = list(reversed(image.layers))
    assert [layer["packages"] for layer in platform["layers"]] == [["python"], ["numpy"], []]
    for key in ("digest", "diff_id", "size"):
        assert [layer[key] for layer in platform["layers"]] == [getattr(layer, key) for layer in layers]
    assert platform["size"] == sum(layer.size for layer in layers)
    assert (platform["trimmed_files"], platform["trimmed_bytes"]) == (1, len(b"static"))
    assert platform["prefix"] == "/opt/conda"


def test_the_summary_is_for_people(build: Build, tmp_path: Path) -> None:
    result = build("-i", "demo:1.0", "-o", "oci:out:x", "--trim", "numpy")
    rows = {line[:9].strip(): line[9:] for line in result.stdout.splitlines()}
    assert rows["image"] == "demo:1.0"
    assert rows["digest"] == open_image(f"oci:{tmp_path}/out").digest
    assert rows["layers"] == "2 built, and the environment's own"
    assert rows["left out"].startswith("1 file, 6 B")
    assert rows["written"] == "oci:out:x"
    assert rows["run it"] == "conda-docker copy oci:out:x docker-daemon:demo:1.0 && docker run --rm -it demo:1.0"


def test_quiet_prints_the_digest_alone(build: Build, tmp_path: Path) -> None:
    result = build("-q", "-o", "oci:out", "numpy")
    assert (result.stdout, result.stderr) == (f"{open_image(f'oci:{tmp_path}/out').digest}\n", "")


def test_several_outputs_of_one_build(build: Build, tmp_path: Path) -> None:
    report = json.loads(build("-o", "oci:a", "-o", "oci-archive:b.tar", "-o", "c.tar", "--json", "numpy").stdout)
    assert [output["location"] for output in report["outputs"]] == [
        "oci:a",
        "oci-archive:b.tar",
        "docker-archive:c.tar",
    ]
    ids = {read(place, tmp_path).id for place in ("oci:a", "oci-archive:b.tar", "docker-archive:c.tar")}
    assert ids == {report["platforms"][0]["id"]}


def test_what_is_printed_is_what_was_written(build: Build, tmp_path: Path) -> None:
    outputs = ["-o", "x.tar", "-o", "oci:layout"]
    report = json.loads(build("--compression", "zstd", *outputs, "--json", "numpy").stdout)
    written = {place: read(place, tmp_path).digest for place in ("docker-archive:x.tar", "oci:layout")}
    assert written["docker-archive:x.tar"] != written["oci:layout"], "docker archives hold no zstd"
    assert {output["location"]: output["digest"] for output in report["outputs"]} == written
    assert (report["digest"], report["platforms"][0]["digest"]) == (None, None)

    quiet = build("--compression", "zstd", "-q", *outputs, "numpy").stdout
    assert quiet.splitlines() == [f"{digest} {place}" for place, digest in written.items()]
    summary = build("--compression", "zstd", *outputs, "numpy").stdout
    assert all(digest in summary for digest in written.values())
    alone = build("--compression", "zstd", "-q", "-o", "y.tar", "numpy").stdout
    assert alone.strip() == written["docker-archive:x.tar"]


def test_a_base_of_docker_s_format_gives_the_digest_that_the_layout_has(build: Build, tmp_path: Path) -> None:
    write_docker_base(tmp_path / "base.tar")
    result = build("-q", "-o", "oci:out", "numpy", base="docker-archive:base.tar")
    assert result.stdout.strip() == open_image(f"oci:{tmp_path}/out").digest


def test_plain_layers_are_pushed_as_they_are(
    build: Build, registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    name = f"{registry.host}/{repository}:plain"
    report = json.loads(build("--compression", "none", "-i", name, "--push", "--json", "numpy").stdout)
    image = open_image(f"docker://{name}")
    assert image.digest == report["digest"]
    assert [layer.digest for layer in image.layers] == [layer.diff_id for layer in image.layers]


def test_an_archive_is_compressed_as_its_name_says(build: Build, tmp_path: Path) -> None:
    report = json.loads(build("-o", "x.tar.gz", "-o", "x.tar", "--json", "numpy").stdout)
    assert (tmp_path / "x.tar.gz").read_bytes().startswith(b"\x1f\x8b")
    assert open_image(str(tmp_path / "x.tar.gz")).digest == report["digest"]
    refused = build("-o", "x.tar.xz", "numpy")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "archives are written as .tar, .tar.gz or .tar.zst" in refused.stderr


def test_what_was_noticed_before_a_build_failed_is_said(build: Build, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("nosuch\n")
    failed = build("-f", "requirements.txt", "-o", "oci:out", "-i", "x:1")
    assert failed.returncode == ExitCode.UNSOLVABLE
    before, _, error = failed.stderr.partition("error: ")
    assert "note: requirements.txt is read as a list of conda packages" in before
    assert "nosuch" in error


def test_on_a_base_image(build: Build, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, runtime=hello_config())
    result = build("-o", "oci:out", "numpy", base="oci:base")
    image = open_image(f"oci:{tmp_path}/out")
    assert [layer.digest for layer in image.layers[3:]] == [
        layer.digest for layer in open_image(f"oci:{tmp_path}/base").layers
    ]
    assert "in 5 layers, 2 of them the base's" in result.stdout


def test_what_containers_run_with(build: Build, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("print()")
    options = [
        "--env",
        "A=1",
        "--env",
        "B=2",
        "--label",
        "who=me",
        "--user",
        "1000",
        "--workdir",
        "/srv",
        "--expose",
        "80",
        "--add",
        "app:/srv/app",
    ]
    result = build("-o", "oci:out", *options, "--entrypoint", "python -u", "--cmd", '["/srv/app/main.py"]', "python")
    assert result.returncode == 0
    image = open_image(f"oci:{tmp_path}/out")
    config = image.config
    assert (config.environment["A"], config.environment["B"]) == ("1", "2")
    assert config["Labels"]["who"] == "me"
    assert (config["User"], config["WorkingDir"]) == ("1000:1000", "/srv")
    assert config["ExposedPorts"] == {"80/tcp": {}}
    assert (config["Entrypoint"], config["Cmd"]) == (["python", "-u"], ["/srv/app/main.py"])
    assert "srv/app/main.py" in image.list_files()


def test_how_layers_are_made(build: Build, tmp_path: Path) -> None:
    options = "--layering-strategy single --compression zstd --compression-level 5 --prefix-in-image /env --trim"
    assert build("-o", "oci:out", *options.split(), "--exclude", "*.so", "numpy").returncode == 0
    image = open_image(f"oci:{tmp_path}/out")
    files = image.list_files()
    assert len(image.layers) == 2
    assert {layer_compression(layer.descriptor.media_type) for layer in image.layers} == {"zstd"}
    assert "env/lib/libnumpy.a" not in files
    assert "env/lib/numpy.so" not in files


def test_the_number_of_layers_is_bounded(build: Build, tmp_path: Path) -> None:
    build("-o", "oci:out", "--max-layers", "2", "numpy")
    assert len(open_image(f"oci:{tmp_path}/out").layers) == 2


def test_several_platforms_make_an_index(build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", noarch="generic", files={"share/tool": b"tool"}))
    result = build("-o", "oci:out", "--platform", "linux/amd64,linux/arm64", "--json", "tool")
    report = json.loads(result.stdout)
    source = open_source(f"oci:{tmp_path}/out")
    assert report["digest"] == source.root().digest
    for platform in report["platforms"]:
        image = image_of(source, Platform.parse(platform["platform"]))
        assert image.digest == platform["digest"]
        assert "opt/conda/share/tool" in image.list_files()


def test_the_summary_of_an_index_shows_its_digest(
    build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", noarch="generic", files={"share/tool": b"tool"}))
    result = build("-o", "oci:out", "--platform", "linux/amd64,linux/arm64", "tool")
    rows = {line[:9].strip(): line[9:] for line in result.stdout.splitlines()}
    assert rows["index"] == open_source(f"oci:{tmp_path}/out").root().digest


def test_layers_that_every_build_makes_are_not_known_ones(build: Build, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    build("-o", "oci:out", "numpy")
    result = build("-o", "oci:out", "--add", "x:/opt/conda/bin", "numpy")
    assert "all 2 known, the environment's own, and what was added" in result.stdout
    assert {"opt/conda/bin/x", "opt/conda/bin/python3.12"} <= set(open_image(f"oci:{tmp_path}/out").list_files())


def test_an_index_of_a_lock_file_of_two_platforms(
    conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    packages = {
        subdir: SyntheticPackage(name="tool", subdir=subdir, files={f"share/{subdir}": b"tool"})
        for subdir in ("linux-64", "linux-aarch64")
    }
    archives = dict(zip(packages, synthetic_channel.add(*packages.values()), strict=True))
    (tmp_path / "pixi.lock").write_text(
        f"version: 6\nenvironments:\n  default:\n    channels: [url: {synthetic_channel.url}]\n    packages:\n"
        + "".join(f"      {subdir}:\n      - conda: {path.as_uri()}\n" for subdir, path in archives.items())
        + "packages:\n"
        + "".join(
            f"- conda: {path.as_uri()}\n  sha256: {sha256(path.read_bytes()).hexdigest()}\n"
            for path in archives.values()
        )
    )
    options = ("-b", "scratch", "-f", "pixi.lock", "--platform", "linux/amd64,linux/arm64")
    first, second = (conda_docker("build", *options, "--json", "-o", f"oci:{place}") for place in ("a", "b"))
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["digest"] == json.loads(second.stdout)["digest"]
    source = open_source(f"oci:{tmp_path}/a")
    for platform, subdir in (("linux/amd64", "linux-64"), ("linux/arm64", "linux-aarch64")):
        image = image_of(source, Platform.parse(platform))
        assert f"opt/conda/share/{subdir}" in image.list_files()


def test_an_explicit_list_of_an_image_builds_it_again(build: Build, conda_docker: Run, tmp_path: Path) -> None:
    first = build("-q", "-o", "oci:out", "numpy").stdout
    (tmp_path / "list.txt").write_text(conda_docker("inspect", "--explicit", "oci:out").stdout)
    again = conda_docker("build", "-q", "-b", "scratch", "-f", "list.txt", "-o", "oci:again")
    assert again.stdout == first


def test_an_environment_file_with_packages_added(build: Build, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text("dependencies: [python]\nvariables: {WHO: me}\n")
    assert build("-o", "oci:out", "-f", "environment.yml", "numpy").returncode == 0
    image = open_image(f"oci:{tmp_path}/out")
    assert "opt/conda/lib/numpy.so" in image.list_files()
    assert image.config.environment["WHO"] == "me"


def test_a_package_by_its_path(build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    path = synthetic_channel.path(NUMPY)
    result = build(str(path), "-o", "oci:out")
    assert (result.returncode, result.stderr.count("error")) == (0, 0)
    assert "opt/conda/lib/numpy.so" in open_image(f"oci:{tmp_path}/out").list_files()
    wrong = build(f"{path}#{'0' * 64}", "-o", "oci:wrong")
    assert (wrong.returncode, "should be 00000" in wrong.stderr) == (7, True)
    assert not (tmp_path / "wrong").exists()


def test_an_environment_that_exists(
    build: Build, conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    for package in (PYTHON, NUMPY):
        record = synthetic_channel.locked(package)
        meta = tmp_path / "prefix/conda-meta" / f"{record.stem}.json"
        meta.parent.mkdir(parents=True, exist_ok=True)
        meta.write_text(json.dumps({**record.record, "url": record.url}))
    (tmp_path / "prefix/conda-meta/history").touch()
    result = conda_docker("build", "-b", "scratch", "-p", "prefix", "-o", "oci:out")
    assert (result.returncode, result.stderr.count("error")) == (0, 0)
    assert "opt/conda/lib/numpy.so" in open_image(f"oci:{tmp_path}/out").list_files()


def size_of(path: Path) -> int:
    """Return the bytes that a file has; none where it has just gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("strong", [("gzip", "12", 40), ("zstd", "19", 2)])
def test_an_interrupted_build_leaves_nothing(
    number: signal.Signals,
    strong: tuple[str, str, int],
    synthetic_channel: SyntheticChannel,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    # Much to compress at a level that takes long, so that there is time to interrupt.
    compression, level, count = strong
    text = b"".join(random.Random(1).choices([os.urandom(4) for _ in range(3000)], k=40 * (1 << 18)))
    size = len(text) // count
    files = {f"share/{each}": text[each * size : (each + 1) * size] for each in range(count)}
    synthetic_channel.add(SyntheticPackage(name="big", files=files))
    (tmp_path / "work").mkdir()
    command = ["build", "-b", "scratch", "-c", synthetic_channel.url, "--override-channels", "-o", "out.tar", "big"]
    process = subprocess.Popen(
        [sys.executable, "-m", "conda_docker", *command, "--compression", compression, "--compression-level", level],
        cwd=tmp_path / "work",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with ended_with_us(process):
        wait_for(lambda: any(map(size_of, tmp_path.glob("cache/blobs/.partial*"))), process)
        before = processor_time(process.pid)
        process.send_signal(number)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert processor_time(process.pid) - before < 5  # blocks that are being compressed take more
        output, errors = process.communicate()
    assert (process.returncode, output) == (128 + number, b"")
    assert errors.endswith(b"error: interrupted\n" if number == signal.SIGINT else b"error: terminated\n")
    assert list((tmp_path / "work").iterdir()) == []
    assert [path for path in tmp_path.glob("cache/**/*") if path.name.startswith(".partial")] == []


def test_pushed_to_the_registry_that_the_name_has(build: Build, registry: peers.Registry, repository: str) -> None:
    name = f"{registry.host}/{repository}:v1"
    result = build("-i", name, "--push", "--json", "numpy")
    assert result.returncode == 0
    assert open_image(f"docker://{name}").digest == json.loads(result.stdout)["digest"]
    before = len(registry.requests())
    again = build("-i", name, "--push", "numpy")
    assert again.returncode == 0
    blobs = {"push numpy: exists", "push environment: exists", "push config: exists"}
    assert blobs <= {*again.stderr.splitlines()}
    uploads = [request for request in registry.requests(since=before) if request.method in ("POST", "PATCH")]
    assert uploads == []


def test_a_second_repository_is_sent_nothing_that_the_first_was(
    build: Build, registry: peers.Registry, repository: str
) -> None:
    first = build("-i", f"{registry.host}/{repository}/first:1", "--push", "--json", "numpy")
    before = len(registry.requests())
    second = build("-i", f"{registry.host}/{repository}/second:1", "--push", "--json", "numpy")
    assert json.loads(first.stdout)["digest"] == json.loads(second.stdout)["digest"]
    asked = registry.requests(since=before)
    assert [each.path for each in asked if each.method in ("PUT", "PATCH") and "/blobs/" in each.path] == []
    assert len([each for each in asked if each.method == "POST" and each.status == 201]) == 4
    assert "push numpy: mounted" in second.stderr


def test_layer_repositories_of_the_configuration(
    build: Build, registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    layers = f"{registry.host}/{repository}/layers"
    (tmp_path / "home" / ".condarc").write_text(f"conda_docker: {{cache_from: [{layers}], cache_to: [{layers}]}}")
    build("-i", "demo:1", "-o", "oci:first", "numpy")
    found = build("-i", "demo:1", "-o", "oci:second", "--cache-dir", "other", "--json", "numpy")
    assert [layer["cached"] for layer in json.loads(found.stdout)["platforms"][0]["layers"]] == [True, True, False]


def test_the_image_that_a_push_replaces_is_reused(build: Build, registry: peers.Registry, repository: str) -> None:
    name = f"{registry.host}/{repository}:v1"
    build("-i", name, "--push", "--cache-image", "python")
    again = build("-i", name, "--push", "--cache-image", "--cache-dir", "other", "--json", "numpy")
    assert [layer["cached"] for layer in json.loads(again.stdout)["platforms"][0]["layers"]] == [True, False, False]
    plain = build("-i", name, "--push", "--cache-dir", "third", "--json", "numpy")
    assert json.loads(plain.stdout)["digest"] == json.loads(again.stdout)["digest"]


def test_images_that_are_replaced_are_reused_where_the_environment_says_so(
    build: Build, registry: peers.Registry, repository: str, environment: dict[str, str]
) -> None:
    environment["CONDA_DOCKER_CACHE_IMAGE"] = "1"
    build("-i", f"{registry.host}/{repository}:v1", "--push", "python")
    again = build("-i", f"{registry.host}/{repository}:v1", "--push", "--cache-dir", "other", "--json", "numpy")
    assert [layer["cached"] for layer in json.loads(again.stdout)["platforms"][0]["layers"]] == [True, False, False]
    assert build("-o", "demo.tar", "numpy").returncode == 0, "a build that cannot goes without"


def test_an_image_in_an_archive_cannot_be_reused(build: Build) -> None:
    result = build("-o", "demo.tar", "--cache-image", "numpy")
    assert result.returncode == ExitCode.USAGE
    assert "--cache-image: the image in docker-archive:demo.tar cannot be reused; use --push, or -o" in result.stderr


def test_it_runs_in_docker(
    build: Build, docker_engine: peers.DockerEngine, runnable_files: dict[str, bytes], tmp_path: Path
) -> None:
    from tests.images import layer_tar

    write_oci_layout(tmp_path / "base", [layer_tar(runnable_files)], runtime=hello_config())
    result = build(
        "-i", "built:v1", "--load", "--cmd", "/bin/cat /opt/conda/lib/numpy.so", "numpy",
        base="oci:base", env={"DOCKER_HOST": docker_engine.host},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert docker_engine.docker("run", "--rm", "built:v1").stdout == "numpy"
    assert result.stdout.splitlines()[-1].endswith("docker run --rm -it built:v1")


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "localhost:1/loaded:1"),
        ("validate", "localhost:1/loaded:1"),
        ("report", "localhost:1/loaded:1"),
        ("copy", "localhost:1/loaded:1", "copied.tar"),
        ("diff", "localhost:1/loaded:1", "oci:base"),
        ("verify", "--rebuild", "localhost:1/loaded:1"),
        ("build", "-b", "localhost:1/loaded:1", "-o", "built.tar", "numpy"),
    ],
    ids=lambda command: command[0],
)
def test_a_registry_that_lacks_what_docker_has(
    build: Build, conda_docker: Run, docker_engine: peers.DockerEngine, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write_oci_layout(tmp_path / "base", LAYERS, runtime=hello_config())
    env = {"DOCKER_HOST": docker_engine.host}
    assert build("-i", "localhost:1/loaded:1", "--load", "numpy", base="oci:base", env=env).returncode == 0
    done = conda_docker(*command, env=env)
    assert done.returncode == ExitCode.NETWORK
    assert "note: Docker here has an image of this name, which is docker-daemon:localhost:1/loaded:1" in done.stderr
    other = conda_docker("inspect", "localhost:1/other:1", env=env)
    assert "docker-daemon" not in other.stderr


def test_podman_is_called_by_its_name(build: Build, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    podman = tmp_path / "bin/podman"
    podman.write_text(
        '#!/bin/sh\n[ "$1" = load ] && /bin/cat >/dev/null && echo "Loaded image: localhost/x:1"\nexit 0\n'
    )
    podman.chmod(0o755)
    settings = {"PATH": str(tmp_path / "bin"), "CONTAINER_HOST": "ssh://root@localhost/podman.sock"}
    result = build("-i", "x:1", "--load", "numpy", env=settings)
    assert result.returncode == 0, result.stderr
    rows = {line[:9].strip(): line[9:] for line in result.stdout.splitlines()}
    assert rows["written"] == "Podman, as x:1"
    assert rows["run it"] == "podman run --rm -it x:1"


@pytest.mark.parametrize("base", [[], ["-b", "debian:stable-slim"]])
def test_a_default_base_out_of_reach_is_said_to_be_the_default(
    base: list[str], synthetic_channel: SyntheticChannel, conda_docker: Run
) -> None:
    synthetic_channel.add(SyntheticPackage(name="numpy"))
    channel = ["-c", synthetic_channel.url, "--override-channels"]
    result = conda_docker(
        "build", *base, *channel, "-o", "x.tar", "numpy", env={"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}
    )
    assert (result.returncode, result.stdout) == (6, "")
    assert "registry-1.docker.io" in result.stderr
    assert ("the default base image debian:stable-slim" in result.stderr) is (base == [])
    assert ("`-b scratch`" in result.stderr) is (base == [])


def test_the_solver_s_explanation_is_shown(build: Build, tmp_path: Path) -> None:
    result = build("-o", "oci:out", "nothing-of-that-name")
    assert (result.returncode, result.stdout) == (3, "")
    assert "nothing-of-that-name" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_post_link_script_is_named(build: Build, synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", files={"bin/.tool-post-link.sh": b"exit 1"}))
    assert "the post-link scripts of tool" in build("-o", "oci:out", "tool").stdout


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["numpy"], "say where the image goes"),
        (["-o", "x.tar"], "packages"),
        (["-o", "x.tar", "-n", "a", "-p", "b"], "mutually exclusive"),
        (["-o", "x.tar", "-n", "a", "numpy"], "mutually exclusive"),
        (["-o", "x", "numpy"], "oci-archive:PATH"),
        (["-o", "x.tar", "--platform", "linux/amd64,linux/arm64", "numpy"], "one platform only"),
        (["--load", "--platform", "linux/amd64,linux/arm64", "numpy"], "one platform only"),
        (["-o", "x.tar", "-i", "UPPER", "numpy"], "--image"),
        (["-o", "x.tar", "--env", "A", "numpy"], "NAME=VALUE"),
        (["-o", "x.tar", "--prefix-in-image", "opt", "numpy"], "absolute"),
        (["-o", "x.tar", "--max-layers", "126", "numpy"], "--max-layers"),
        (["-o", "x.tar", "--compression-level", "13", "numpy"], "1 to 12"),
        (
            ["-o", "x.tar", "--compression", "none", "--compression-level", "1", "numpy"],
            "cannot be used with --compression none",
        ),
        (["-o", "x.tar", "--bytecode", "perhaps", "numpy"], "--bytecode"),
        (["-o", "x.tar", "--add", "nothing", "numpy"], "SRC:DST"),
        (["-o", "x.tar", "-b", "docker://", "numpy"], "--base"),
        (["-o", "x.tar", "--cache-to", "ghcr.io/org/app:1", "numpy"], "give ghcr.io/org/app alone; --cache-image"),
        (["-o", "x.tar", "--cache-from", "docker://ghcr.io/org/layers", "numpy"], "named without docker://"),
        (["-o", "x.tar", "--cache-from", "http://localhost/layers", "numpy"], "--insecure HOST allows plain HTTP"),
        (["-o", "x.tar", "--verify-cache", "5%", "numpy"], "--verify-cache is for layers of --cache-from"),
    ],
)
def test_wrong_usage(args: list[str], word: str, conda_docker: Run) -> None:
    result = conda_docker("build", *args)
    assert (result.returncode, result.stdout) == (2, "")
    assert word in result.stderr


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["-o", "missing/folder/x.tar", "python"], "missing/folder"),
        (["-o", "x.tar", "-f", "missing.yml"], "missing.yml"),
        (["-o", "x.tar", "-n", "missing"], "missing"),
        (["-o", "x.tar", "-p", "missing"], "missing"),
        (["-o", "x.tar", "-b", "missing.tar", "python"], "missing.tar"),
        (["-o", "x.tar", "--add", "missing:/srv", "python"], "missing"),
        (["-o", "x.tar", "--offline", "-b", "debian", "python"], "offline"),
        (["-o", "x.tar", "-s", "/missing/conda", "python"], "/missing/conda"),
        (["-o", "x.tar", "--cacert", "missing.pem", "python"], "there is no file missing.pem (--cacert)"),
    ],
)
def test_what_cannot_be_built_leaves_nothing(args: list[str], word: str, build: Build, tmp_path: Path) -> None:
    result = build(*args)
    assert result.returncode in FAILURES
    assert result.stdout == ""
    assert word in result.stderr.splitlines()[-1]
    assert not (tmp_path / "x.tar").exists()


@pytest.mark.parametrize(
    ("option", "note"),
    [
        ("--link-scripts-network", "--link-scripts-network makes no difference without --link-scripts run"),
        ("--only-packages", "--only-packages makes no difference without --name or --prefix"),
    ],
)
def test_options_that_make_no_difference_are_noted(build: Build, option: str, note: str) -> None:
    result = build("-o", "x.tar", option, "numpy")
    assert result.returncode == 0
    assert f"note: {note}\n" in result.stderr


def test_several_names(build: Build, registry: peers.Registry, repository: str, tmp_path: Path) -> None:
    names = [f"{registry.host}/{repository}:{tag}" for tag in ("1.0", "latest")]
    result = build("--push", "-t", names[0], "--tag", names[1], "numpy")
    assert result.returncode == 0, result.stderr
    assert f"image    {names[0]}" in result.stdout
    assert len({open_image(f"docker://{name}").digest for name in names}) == 1


def test_results_are_written_as_buildx_does(build: Build, tmp_path: Path) -> None:
    files = ("--metadata-file", "metadata.json", "--iidfile", "id.txt")
    assert build("-o", "oci:out", "-t", "a:1", "-t", "b:2", *files, "numpy").returncode == 0
    image = open_image(f"oci:{tmp_path / 'out'}")
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["containerimage.digest"] == metadata["containerimage.descriptor"]["digest"] == image.digest
    assert metadata["containerimage.config.digest"] == (tmp_path / "id.txt").read_text() == image.id
    assert metadata["image.name"] == "docker.io/library/a:1,docker.io/library/b:2"


def test_annotations(build: Build, tmp_path: Path) -> None:
    assert build("-o", "oci:out", "--annotation", "org.example.a=1", "numpy").returncode == 0
    assert open_image(f"oci:{tmp_path / 'out'}").annotations["org.example.a"] == "1"


def test_labels_annotations_and_names_on_lines(build: Build, tmp_path: Path) -> None:
    lines = "org.example.a=1\norg.example.b=x=y\n"
    options = ("--label", lines, "--annotation", lines, "-t", "a:1\nb:2\n", "--label", "c=two\nlines", "--json")
    report = json.loads(build("-o", "oci:out", *options, "numpy").stdout)
    image = open_image(f"oci:{tmp_path / 'out'}")
    assert image.annotations.items() >= {"org.example.a": "1", "org.example.b": "x=y"}.items()
    assert image.config["Labels"].items() >= {"org.example.a": "1", "org.example.b": "x=y", "c": "two\nlines"}.items()
    assert report["image"] == "a:1"


def test_labels_from_a_project(build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1.2"\ndescription = "An app"\n')
    title, version, description = (f"org.opencontainers.image.{key}" for key in ("title", "version", "description"))
    options = ("--label-from", "pyproject", "--label", f"{version}=2.0", "--annotation", f"{description}=Mine")
    assert build("-o", "oci:out", *options, "numpy").returncode == 0
    image = open_image(f"oci:{tmp_path / 'out'}")
    assert image.config["Labels"].items() >= {title: "app", version: "2.0", description: "An app"}.items()
    assert image.annotations.items() >= {title: "app", version: "1.2", description: "Mine"}.items()
    synthetic_channel.add(SyntheticPackage(name="numpy", subdir="linux-aarch64"))
    assert build("-o", "oci:all", *options, "--platform", "linux/amd64,linux/arm64", "numpy").returncode == 0
    written = json.loads((tmp_path / "all" / "index.json").read_text())["manifests"][0]["digest"]
    index = json.loads((tmp_path / "all" / "blobs" / written.replace(":", "/")).read_text())
    assert index["annotations"] == {title: "app", version: "1.2"}


def test_a_folder_without_git_has_no_labels_from_it(build: Build, tmp_path: Path) -> None:
    result = build("-o", "oci:out", "--label-from", "git", "numpy")
    assert result.returncode == ExitCode.NOT_FOUND
    assert "there is no commit of a git checkout" in result.stderr
    assert not (tmp_path / "out").exists()


def test_annotations_of_an_index(build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="numpy", subdir="linux-aarch64"))
    options = ("--platform", "linux/amd64,linux/arm64", "--annotation", "index:org.example.a=1", "--iidfile", "id.txt")
    assert build("-o", "oci:out", *options, "numpy").returncode == 0
    written = json.loads((tmp_path / "out" / "index.json").read_text())["manifests"][0]["digest"]
    index = json.loads((tmp_path / "out" / "blobs" / written.replace(":", "/")).read_text())
    assert index["annotations"] == {"org.example.a": "1"}
    assert (tmp_path / "id.txt").read_text() == written


def test_an_annotation_of_an_index_where_there_is_none_is_named(build: Build) -> None:
    result = build("-o", "oci:out", "--annotation", "index:org.example.a=1", "numpy")
    assert result.returncode == 0
    assert "note: there is no index" in result.stderr
    assert "org.example.a" in result.stderr


def test_no_command_to_run_what_cannot_start(build: Build) -> None:
    result = build("-i", "demo:1.0", "-o", "demo.tar", "python")
    assert ("cannot start" in result.stderr) != ("run it" in result.stdout)


def test_the_layer_of_added_files_is_named(build: Build, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print()")
    result = build("-o", "oci:out", "--add", "app.py:/srv/app.py", "numpy", "--progress", "plain")
    assert "write added files" in result.stderr
    assert [layer.history[-1].created_by for layer in open_image(f"oci:{tmp_path / 'out'}").layers].count(
        "added files"
    ) == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--user", "no one"),
        ("--user", "-1"),
        ("--user", "99999999999"),
        ("--max-layers", "1"),
        ("--workdir", "srv"),
        ("--home", "srv"),
        ("--user-name", "without-user"),
        ("--chown", "1000"),
    ],
)
def test_what_no_image_can_have_is_wrong_usage(option: str, value: str, conda_docker: Run) -> None:
    result = conda_docker("build", "-b", "nowhere.invalid/base", "-o", "x.tar", f"{option}={value}", "numpy")
    assert result.returncode == ExitCode.USAGE
    assert option in result.stderr


@pytest.mark.parametrize("option", ["--metadata-file", "--iidfile"])
def test_a_result_file_without_a_folder_is_refused_before_anything_is_built(
    option: str, build: Build, tmp_path: Path
) -> None:
    result = build("-o", "oci:out", option, "missing/file", "numpy")
    assert "there is no folder" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--metadata-file", "--iidfile"])
def test_a_folder_in_place_of_a_result_file_is_refused_before_anything_is_built(
    option: str, build: Build, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    result = build("-o", "oci:out", option, "results", "numpy")
    assert "cannot write results: it is a folder" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "demo.tar", "--iidfile", "demo.tar"),
        ("-o", "demo.tar", "--sbom", "cyclonedx", "--sbom-output", "demo.tar"),
        ("-o", "demo.tar", "-o", "oci-archive:demo.tar"),
        ("-o", "demo.tar", "--metadata-file", "here/../demo.tar"),
        ("-o", "oci:out", "--iidfile", "i.txt", "--metadata-file", "i.txt"),
        ("-o", "oci:out", "--sbom", "spdx", "--sbom-output", "s.json", "--metadata-file", "s.json"),
    ],
)
def test_outputs_that_overwrite_each_other_are_refused_before_anything_is_made(
    options: tuple[str, ...], build: Build, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    before = set(tmp_path.iterdir())
    result = build(*options, "numpy")
    assert result.returncode == ExitCode.USAGE
    assert f"{options[-2]} " in result.stderr
    assert "would both be written to" in result.stderr
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "read"),
    [
        (("--iidfile", "e.yml"), "--file e.yml"),
        (("--metadata-file", "here/../e.yml"), "--file e.yml"),
        (("--sbom", "cyclonedx", "--sbom-output", "link"), "--file e.yml"),
        (("-o", "docker-archive:e.yml"), "--file e.yml"),
        (("--iidfile", "r.txt"), "r.txt, which --file e.yml names"),
        (("--policy", "p.toml", "--iidfile", "p.toml"), "--policy p.toml"),
        (("--add", "e.yml:/srv/", "--add", "link:/srv/", "--iidfile", "r.txt"), "r.txt, which"),
        (("--add", "p.toml:/srv/", "--metadata-file", "p.toml"), "--add p.toml:/srv/"),
        (("--project", "here", "--iidfile", "here/pyproject.toml"), "--project here"),
        (("-b", "base.tar", "-o", "base.tar"), "--base base.tar"),
        (("--advisories", "osv:p.toml", "--iidfile", "p.toml"), "--advisories osv:p.toml"),
    ],
)
def test_an_output_that_overwrites_an_input_is_refused_before_anything_is_made(
    options: tuple[str, ...], read: str, build: Build, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/pyproject.toml").write_text("[project]")
    (tmp_path / "e.yml").write_text("dependencies: [numpy, pip, {pip: [-r r.txt]}]")
    (tmp_path / "r.txt").write_text("six")
    (tmp_path / "p.toml").write_text("require-hash = false")
    (tmp_path / "link").symlink_to("e.yml")
    write_docker_base(tmp_path / "base.tar")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    result = build("-f", "e.yml", "-o", "oci:out", *options)
    assert result.returncode == ExitCode.USAGE, result.stderr
    assert "would overwrite an input: " + read in result.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_push_needs_a_name(build: Build) -> None:
    result = build("--push", "numpy")
    assert result.returncode == ExitCode.USAGE
    assert "--push needs the name of the image, with its registry: -i REGISTRY/NAME" in result.stderr


def test_an_image_can_be_built_on_another_in_its_layout(build: Build, tmp_path: Path) -> None:
    assert build("-o", "oci:out:one", "numpy").returncode == 0
    assert build("-b", "oci:out:one", "-o", "oci:out:two", "numpy").returncode == 0
    refused = build("-b", "oci:out:one", "-o", "oci:out:one", "numpy")
    assert "-o oci:out:one would overwrite an input: --base oci:out:one" in refused.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-f", "nothere.yml"), "error: cannot read nothere.yml: No such file or directory"),
        (("-p", "nothere"), "there is no folder nothere"),
        (("-n", "nothere"), "error: there is no environment called 'nothere' in "),
    ],
)
def test_an_environment_that_is_not_there(conda_docker: Run, args: tuple[str, ...], message: str) -> None:
    # Without --base: the error is not one in getting the default one.
    missing = conda_docker("build", *args, "-i", "demo:1", "-o", "demo.tar")
    assert (missing.returncode, message in missing.stderr) == (ExitCode.NOT_FOUND, True), missing.stderr
    assert "base image" not in missing.stderr


def test_a_name_without_a_host_is_reported_with_the_registry_that_it_is_pushed_to(
    build: Build, registry: peers.Registry, repository: str, tmp_path: Path
) -> None:
    variables = {"CONDA_DOCKER_REGISTRY_URL": registry.url}
    name = f"{registry.host}/{repository}:v1"
    options = ("-i", f"{repository}:v1", "--push", "--metadata-file", "metadata.json", "python")
    said = build(*options, env=variables).stdout
    assert f"written  docker://{name}\n" in said
    assert f"docker run --rm -it {name}\n" in said
    report = json.loads(build(*options, "--json", env=variables).stdout)
    assert [output["location"] for output in report["outputs"]] == [f"docker://{name}"]
    assert report["image"] == name
    assert json.loads((tmp_path / "metadata.json").read_text())["image.name"] == name
    assert open_image(f"docker://{name}").digest == report["digest"]


def test_further_names_are_in_archives_and_noted_where_one_name_is_held(build: Build, tmp_path: Path) -> None:
    result = build("-i", "a:1", "-t", "b:2", "-t", "c:3", "-o", "out.tar", "-o", "oci:out", "python")
    with tarfile.open(tmp_path / "out.tar") as archive:
        [entry] = json.load(archive.extractfile("manifest.json") or io.BytesIO())
    assert entry["RepoTags"] == ["a:1", "b:2", "c:3"]
    assert "note: oci:out holds one name, so those of --tag are left out: b:2, c:3\n" in result.stderr


def test_the_size_is_that_of_what_was_written(build: Build, tmp_path: Path) -> None:
    report = json.loads(build("-o", "out.tar", "--compression", "zstd", "--json", "numpy").stdout)
    assert report["platforms"][0]["size"] == sum(layer.size for layer in open_image(str(tmp_path / "out.tar")).layers)


def test_an_image_without_a_command_has_none_that_runs_it(
    build: Build, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="only-files", files={"share/a": b"a"}))
    assert "run it" not in build("-o", "out.tar", "only-files").stdout
    assert "run it" in build("-o", "out.tar", "--cmd", "/opt/conda/share/a", "only-files").stdout


def test_the_command_that_runs_an_image_publishes_its_ports(build: Build) -> None:
    result = build("-i", "demo:1", "-o", "out.tar", "--cmd", "x", "--expose", "5000", "--expose", "53/udp", "python")
    assert " run --rm -it -p 5000:5000 -p 53:53/udp demo:1\n" in result.stdout


def test_offline_may_push(build: Build, registry: peers.Registry, repository: str) -> None:
    build("-o", "oci:warm", "python")
    result = build("-i", f"{registry.host}/{repository}:1", "--push", "--offline", "python")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("option", ["--iidfile", "--metadata-file"])
def test_a_file_of_results_on_standard_output_is_alone_there(
    program: Run, synthetic_channel: SyntheticChannel, option: str
) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", files={"x": b"x"}))
    asked = ["-c", synthetic_channel.url, "--override-channels", "-b", "scratch", "-o", "out.tar", "tool"]
    result = program("build", "-i", "app:1", option, "/dev/stdout", *asked)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("sha256:" if option == "--iidfile" else "{")
    assert "written" not in result.stdout
    assert "\nwritten  docker-archive:out.tar\n" in result.stderr
