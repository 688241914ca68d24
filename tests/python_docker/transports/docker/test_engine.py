"""`docker-daemon:REF`, with a real engine."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from python_docker.copying.copy import Conversion, copy_image
from python_docker.errors import EngineError, EngineNotFound, Error, InvalidReference, NotFound
from python_docker.image import Image
from python_docker.streams.compression import Compression
from python_docker.transports import open_image, open_source, write_image
from python_docker.transports.oci.layout import OciLayoutDestination
from tests.images import GREETING, hello_config, layer_tar, write_docker_archive, write_oci_layout
from tests.peers import DockerEngine, Program
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer


@pytest.fixture
def engine(docker_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> DockerEngine:
    """Return the tests' engine, as the one that is found."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    return docker_engine


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Return an engine that answers what a test tells it to, as the one that is found."""
    fake = FakeEngine()
    monkeypatch.setenv("DOCKER_HOST", fake.host)
    yield fake
    fake.stop()


@pytest.fixture
def layers(request: pytest.FixtureRequest, runnable_files: dict[str, bytes]) -> list[bytes]:
    """Return two layers that no other test has, since engines never read a layer that they know."""
    return [layer_tar(runnable_files), layer_tar({"etc/unique": request.node.nodeid.encode()})]


@pytest.fixture
def archive(tmp_path: Path, layers: list[bytes]) -> Callable[[str], Path]:
    """Return what makes a docker archive with one image that runs."""

    def make(tag: str) -> Path:
        write_docker_archive(tmp_path / "hello.tar", layers, tags=[tag] if tag else [], runtime=hello_config())
        return tmp_path / "hello.tar"

    return make


def temporary_files() -> set[str]:
    """The deleted files that this process has open, as temporary ones are."""
    links = (Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))
    # The folder itself is listed, and is closed by now.
    names = (str(link.readlink()) for link in links if os.path.lexists(link))
    return {name for name in names if name.startswith(tempfile.gettempdir()) and name.endswith("(deleted)")}


def test_an_image_goes_in_and_comes_out_the_same(
    engine: DockerEngine, archive: Callable[[str], Path], tmp_path: Path
) -> None:
    copy_image(str(archive("daemon-same:v1")), "docker-daemon:daemon-same:v1")
    image = open_image("docker-daemon:daemon-same:v1")
    [given] = Image.from_filename(archive("daemon-same:v1"))
    assert (image.name, image.tag) == ("daemon-same", "v1")
    assert image.id == given.id
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in given.layers]
    assert image.list_files() == given.list_files()


def test_what_was_loaded_runs(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    copy_image(str(archive("")), "docker-daemon:daemon-runs:v1")
    assert engine.run("daemon-runs:v1").stdout == f"{GREETING}\n"


@pytest.mark.parametrize("compression", sorted(OciLayoutDestination.compressions))
def test_layers_of_every_compression_are_loaded(
    engine: DockerEngine, layers: list[bytes], tmp_path: Path, compression: Compression
) -> None:
    """Docker 20.10 reads no zstd, so that it has to be converted."""
    write_oci_layout(tmp_path / "oci", layers, runtime=hello_config())
    conversion = Conversion(compression=compression)
    copy_image(f"oci:{tmp_path}/oci:latest", f"oci:{tmp_path}/other:latest", conversion=conversion)
    name = f"daemon-{compression}:v1"
    copy_image(f"oci:{tmp_path}/other:latest", f"docker-daemon:{name}")
    assert engine.run(name).stdout == f"{GREETING}\n"


def test_skopeo_reads_what_was_loaded(
    engine: DockerEngine, skopeo: Program, archive: Callable[[str], Path], tmp_path: Path
) -> None:
    copy_image(str(archive("")), "docker-daemon:daemon-skopeo:v1")
    skopeo(
        "copy", "--src-daemon-host", engine.host, "docker-daemon:daemon-skopeo:v1", f"docker-archive:{tmp_path}/x.tar"
    )
    assert open_image(f"{tmp_path}/x.tar").id == open_image("docker-daemon:daemon-skopeo:v1").id


def test_what_skopeo_loaded_is_read(engine: DockerEngine, skopeo: Program, archive: Callable[[str], Path]) -> None:
    source = f"docker-archive:{archive('daemon-from-skopeo:v1')}"
    skopeo("copy", "--dest-daemon-host", engine.host, source, "docker-daemon:daemon-from-skopeo:v1")
    [given] = Image.from_filename(archive("daemon-from-skopeo:v1"))
    assert open_image("docker-daemon:daemon-from-skopeo:v1").id == given.id


def test_an_image_without_a_name_is_loaded_by_its_id(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive(""))
    write_image(image, "docker-daemon:")
    found = open_image(f"docker-daemon:{image.id}")
    assert (found.id, found.name) == (image.id, "")


def test_an_image_keeps_its_own_name_where_none_is_given(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive("daemon-own:v1"))
    write_image(image, "docker-daemon:")
    assert open_image("docker-daemon:daemon-own:v1").id == image.id


def test_one_name_of_several_is_taken(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    copy_image(str(archive("")), "docker-daemon:daemon-names:v1")
    engine.docker("tag", "daemon-names:v1", "daemon-names:v2")
    image = open_image("docker-daemon:daemon-names:v2")
    assert (image.name, image.tag) == ("daemon-names", "v2")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_the_saved_archive_goes_with_the_image(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    gc.collect()  # what earlier tests left
    before = temporary_files()
    copy_image(str(archive("")), "docker-daemon:daemon-kept:v1")
    image = open_image("docker-daemon:daemon-kept:v1")
    source = open_source("docker-daemon:daemon-kept:v1")
    source.close()
    assert image.layers[0].list_files() == ["etc", "etc/unique"]
    assert len(temporary_files() - before) == 2
    del image, source
    gc.collect()
    assert temporary_files() == before


def test_an_unknown_image_is_not_found(engine: DockerEngine) -> None:
    with pytest.raises(NotFound, match="Docker could not save nosuch:v1"):
        open_source("docker-daemon:nosuch:v1")


@pytest.mark.parametrize("location", ["docker-daemon:", "docker-daemon:Upper:v1", "docker-daemon:--all"])
def test_a_source_needs_a_name(engine: DockerEngine, location: str) -> None:
    with pytest.raises(InvalidReference):
        open_source(location)


@pytest.mark.parametrize("name", ["Upper:v1", f"x@sha256:{'0' * 64}"])
def test_a_destination_refuses_names_that_docker_cannot_give(
    engine: DockerEngine, archive: Callable[[str], Path], name: str
) -> None:
    with pytest.raises(InvalidReference):
        copy_image(str(archive("")), f"docker-daemon:{name}")


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, archive: Callable[[str], Path]) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    with pytest.raises(EngineNotFound, match="Install and start Docker"):
        open_source("docker-daemon:x:v1")
    with pytest.raises(EngineNotFound, match="Install and start Docker"):
        copy_image(str(archive("")), "docker-daemon:x:v1")


def test_a_failing_copy_loads_nothing(engine: DockerEngine, archive: Callable[[str], Path], tmp_path: Path) -> None:
    path = archive("daemon-damaged:v1")
    damaged = bytearray(path.read_bytes())
    place = damaged.index(b"test_a_failing_copy_loads_nothing")
    damaged[place : place + 4] = b"TEST"
    path.write_bytes(damaged)
    with pytest.raises(Error, match="damaged"):
        copy_image(str(path), "docker-daemon:daemon-damaged:v1")
    with pytest.raises(NotFound):
        open_source("docker-daemon:daemon-damaged:v1")


@pytest.mark.parametrize(
    "answer",
    [
        chunked_answer(b"x" * 512),
        chunked_answer(bytes(2048), whole=False),
        http_answer(b"x" * 512 + bytes(1024)),
        http_answer(bytes(1024)),
        http_answer(b"<html>"),
    ],
)
def test_an_engine_that_saves_no_archive(fake_engine: FakeEngine, answer: bytes) -> None:
    gc.collect()  # what earlier tests left
    before = temporary_files()
    fake_engine.answers["GET /images/x:v1/get"] = [answer]
    with pytest.raises(Error):
        open_source("docker-daemon:x:v1")
    gc.collect()
    assert temporary_files() == before


def test_a_full_disk_is_an_error(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine.answers["GET /images/x:v1/get"] = [http_answer(b"x" * 4096)]
    # What is written to it always fails for want of space.
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    with pytest.raises(Error, match=r"cannot save x:v1 to a temporary file .*No space left.*TMPDIR"):
        open_source("docker-daemon:x:v1")


def test_an_engine_that_fails_late_is_an_error(fake_engine: FakeEngine, archive: Callable[[str], Path]) -> None:
    fake_engine.answers["POST /images/load"] = [chunked_answer(b'{"error": "no space left on device"}\r\n')]
    with pytest.raises(EngineError, match="no space left on device"):
        copy_image(str(archive("")), "docker-daemon:x:v1")


def test_an_index_that_containerds_store_saves_is_read(
    fake_engine: FakeEngine, layers: list[bytes], tmp_path: Path
) -> None:
    """Docker 29 saves all platforms that it has: one entry of manifest.json each, below one index."""
    write_oci_layout(tmp_path / "oci", layers, tag="v1", runtime=hello_config())
    index = json.loads((tmp_path / "oci" / "index.json").read_text())
    digest = index["manifests"][0]["digest"].partition(":")[2]
    manifest = json.loads((tmp_path / "oci" / "blobs" / "sha256" / digest).read_text())
    paths = [f"blobs/sha256/{layer['digest'].partition(':')[2]}" for layer in manifest["layers"]]
    config = f"blobs/sha256/{manifest['config']['digest'].partition(':')[2]}"
    entry = {"Config": config, "RepoTags": ["x:v1"], "Layers": paths}
    (tmp_path / "oci" / "manifest.json").write_text(json.dumps([entry, entry]))
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(tmp_path / "oci", "")
    fake_engine.answers["GET /images/x:v1/get"] = [chunked_answer(file.getvalue())]
    image = open_image("docker-daemon:x:v1")
    assert image.digest == index["manifests"][0]["digest"]
    assert "etc/unique" in image.layers[0].list_files()
