"""The demo's environment of real packages: as rattler installs it, loaded, copied, unpacked and run by others."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.environment.packages.package_url import local_path
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.provenance.reading import packages_of_layer
from conda_docker.resolution.lock import lock
from conda_docker.verification.rebuild import rebuild
from conda_docker.verification.report import Outcome
from demo.base import make_base
from demo.channel import RealChannel
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.transports import Location, open_image, write_image
from python_docker.validation import validate
from tests.conda_docker.image.test_assemble import tree, without_origin
from tests.conda_docker.oracle import Installed, Rattler, differences
from tests.peers import DockerEngine, Program, Registry
from tests.peers.rootfs import unpack_image

SPECS = ["numpy", "numba", "flask"]
PROGRAM = """
import flask, numba, numpy
assert numba.njit(lambda n: numpy.arange(n).sum())(100) == 4950
print("numpy", numpy.__version__)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def built(real_channel: RealChannel, cache: Path) -> BuildResult:
    environment = lock(SPECS, channels=[real_channel.url], override_channels=True)
    result = build_image(environment, open_image(f"oci:{make_base()}"), BuildOptions(cache_dir=cache))
    result.image.name, result.image.tag = "real-environment", "v1"
    return result


def test_it_is_a_sound_image(built: BuildResult) -> None:
    report = validate(built.image)
    assert report.ok, report


def test_every_file_is_as_rattler_installs_it(real_channel: RealChannel, cache: Path, rattler: Rattler) -> None:
    environment = lock(SPECS, channels=[real_channel.url], override_channels=True)
    archives = [path for package in environment.packages if (path := local_path(package.url)) is not None]
    assert len(archives) == len(environment.packages)
    installed, _ = rattler.install(archives)
    built = tree(build_image(environment, None, BuildOptions(cache_dir=cache, trim=False)).image)
    del built["conda-meta/history"]
    # As conda makes them and rattler does not.
    shipped = {path for path in installed if path.endswith(".pyc")}
    compiled = {path for path in built if path.endswith(".pyc")} - shipped
    compiled |= {path for path in built if path.endswith("/__pycache__") and path not in installed}
    assert compiled
    ours = {
        path: without_compiled(without_origin(path, item).content, compiled, item)
        if path.startswith("conda-meta/")
        else item
        for path, item in built.items()
        if path not in compiled
    }
    assert differences(installed, ours) == []


def without_compiled(content: bytes, compiled: set[str], item: Installed) -> Installed:
    """A record without the `.pyc` files that were made on linking."""
    fields = json.loads(content) if content.startswith(b"{") else None
    if fields is None:
        return item
    fields["files"] = [path for path in fields["files"] if path not in compiled]
    paths = fields["paths_data"]["paths"]
    fields["paths_data"]["paths"] = [row for row in paths if row["_path"] not in compiled]
    return replace(item, content=json.dumps(fields, indent=2, ensure_ascii=False).encode())


def test_docker_loads_and_runs_it(built: BuildResult, docker_engine: DockerEngine, tmp_path: Path) -> None:
    write_image(built.image, str(tmp_path / "demo.tar"))
    docker_engine.load(tmp_path / "demo.tar")
    done = docker_engine.run("real-environment:v1", "python", "-c", PROGRAM)
    assert done.stdout.startswith("numpy ")


def test_skopeo_copies_it_and_umoci_unpacks_it(
    built: BuildResult, registry: Registry, repository: str, skopeo: Program, umoci: Program, tmp_path: Path
) -> None:
    write_image(built.image, f"oci:{tmp_path / 'layout'}:v1")
    skopeo("copy", f"oci:{tmp_path / 'layout'}:v1", f"docker://{registry.host}/{repository}:v1")
    assert open_image(f"docker://{registry.host}/{repository}:v1").digest == built.image.digest
    root = unpack_image(umoci, tmp_path / "layout", "v1", tmp_path / "bundle")
    assert (root / "opt/conda/conda-meta/history").is_file()
    shutil.rmtree(tmp_path / "bundle")


def test_its_layers_are_made_again_and_one_changed_byte_is_found(built: BuildResult, cache: Path) -> None:
    """The history alone says how; the layers in the cache, which are the same bytes, are not trusted."""
    image = built.image.copy()
    [number] = [number for number, layer in enumerate(image.layers) if "numpy" in names_of(layer)]
    layer = image.layers[number]
    with layer.open_uncompressed() as stream:
        tar = bytearray(stream.read())
    place = tar.index(b"def ", tar.index(b"numpy/__init__.py"))
    tar[place] = ord("D")
    blob = Blob.from_bytes(gzip.compress(bytes(tar), 1), layer.descriptor.media_type)
    image.layers[number] = Layer(blob, Digest.of(tar), config=layer.config, history=layer.history)
    options = BuildOptions(cache_dir=cache, offline=True)
    report = rebuild(image, options=options, base=Location.parse(f"oci:{make_base()}"))
    [different] = report.having(Outcome.DIFFERENT)
    assert different.packages == ("numpy",)
    assert [path.partition(": ")[2] for path in different.differences] == ["different content"]
    identical = report.having(Outcome.IDENTICAL)
    assert len(identical) == len(report.layers) - 1 == len(image.layers) - 1
    assert {verdict.kind for verdict in identical} == {"base", "packages", "environment"}


def names_of(layer: Layer) -> list[str]:
    return [package.name for package in packages_of_layer(layer)]


def test_conda_meta_reads_as_an_environment(built: BuildResult, umoci: Program, tmp_path: Path) -> None:
    write_image(built.image, f"oci:{tmp_path / 'layout'}:v1")
    root = unpack_image(umoci, tmp_path / "layout", "v1", tmp_path / "bundle")
    again = lock(prefix=root / "opt/conda")
    assert [package.stem for package in again.packages]
    assert set(again.requested) == set(SPECS)
    shutil.rmtree(tmp_path / "bundle")


MEASURED = """
import os, sys
from conda_docker.cli import run
code = run(sys.argv[1:])
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
sys.stdout.flush()
os._exit(code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_peak_memory_stays_bounded(real_channel: RealChannel, tmp_path: Path) -> None:
    arguments = ["-q", "build", "-b", "scratch", "-c", real_channel.url, "--override-channels"]
    arguments += ["--cache-dir", str(tmp_path / "cache"), "-i", "x", "-o", f"oci:{tmp_path / 'layout'}", *SPECS]
    done = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 200_000  # kB; rusage would count what the parent had before exec(2)


def test_pushing_a_changed_environment_sends_what_changed(
    built: BuildResult, real_channel: RealChannel, cache: Path, registry: Registry, repository: str
) -> None:
    place = f"docker://{registry.host}/{repository}"
    write_image(built.image, f"{place}:v1")
    since = len(registry.requests())
    environment = lock([*SPECS, "click"], channels=[real_channel.url], override_channels=True)
    changed = build_image(environment, open_image(f"oci:{make_base()}"), BuildOptions(cache_dir=cache)).image
    changed.name = "x"
    write_image(changed, f"{place}:v2")
    uploads = [request for request in registry.requests(since) if request.method == "PUT" and "/blobs/" in request.path]
    # The environment's own layer and the config: which packages there are did not change.
    assert len(uploads) == 2
