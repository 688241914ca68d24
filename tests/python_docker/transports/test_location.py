"""Locations: how they are written, and what a path is when nothing is written before it."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from python_docker import open_image, write_image
from python_docker.errors import InvalidReference
from python_docker.spec.reference import ImageReference
from python_docker.transports.location import Location
from tests.archives import docker_members, tar_of
from tests.images import layer_tar, write_oci_layout
from tests.processes import ended_with_us

LAYERS = [layer_tar({"etc/greeting": b"hello\n"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker://ubuntu", Location("docker", "", "docker.io/library/ubuntu:latest")),
        ("docker-daemon:demo:1", Location("docker-daemon", "", "demo:1")),
        ("docker-archive:a/b.tar:demo:1", Location("docker-archive", "a/b.tar", "demo:1")),
        ("docker-archive:C:\\images\\x.tar:demo", Location("docker-archive", "C:\\images\\x.tar", "demo")),
        ("oci:layout", Location("oci", "layout")),
        ("oci-archive:x.tar:v1", Location("oci-archive", "x.tar", "v1")),
        ("dir:a:b", Location("dir", "a:b")),
        ("demo.tar", Location("docker-archive", "demo.tar")),
        ("demo.tgz", Location("docker-archive", "demo.tgz")),
    ],
)
def test_forms(text: str, expected: Location) -> None:
    assert Location.parse(text) == expected
    assert Location.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["docker:24", "ubuntu", "ghcr.io/org/name:v1"])
def test_what_names_no_medium_and_no_path_is_in_a_registry_when_reading(text: str) -> None:
    assert Location.parse(text, default_transport="docker").transport == "docker"
    with pytest.raises(InvalidReference, match="dir:DIR"):
        Location.parse(text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_path_is_looked_at(here: Path) -> None:
    archive = tar_of(docker_members(LAYERS, tags=["hello:1"]))
    (here / "plain").write_bytes(archive)
    (here / "packed").write_bytes(gzip.compress(archive))
    write_oci_layout(here / "layout", LAYERS, tag="v1")
    write_image(open_image("plain"), "dir:folder")
    found = {name: Location.parse(name, default_transport="docker").transport for name in os.listdir(here)}
    assert found == {"plain": "docker-archive", "packed": "docker-archive", "layout": "oci", "folder": "dir"}
    assert [open_image(name).list_files() for name in found] == [["etc", "etc/greeting"]] * 4


@pytest.mark.parametrize("name", ["env.yml", "./env.yml", "python"])
def test_a_file_that_is_not_an_image_is_not_asked_for_in_a_registry(here: Path, name: str) -> None:
    (here / name).write_text("dependencies: [python]\n" * 50)
    with pytest.raises(InvalidReference, match="not an image"):
        Location.parse(name, default_transport="docker")


def test_a_folder_beside_hides_no_image_of_its_name(here: Path) -> None:
    (here / "debian").mkdir()
    assert Location.parse("debian", default_transport="docker").transport == "docker"
    with pytest.raises(InvalidReference, match="is a folder, but not an image"):
        Location.parse("./debian", default_transport="docker")


@pytest.mark.parametrize("text", ["./nothing", "/nowhere/image", "../x"])
def test_a_path_that_is_not_there_is_not_asked_for_in_a_registry(here: Path, text: str) -> None:
    with pytest.raises(InvalidReference, match="there is no file or folder"):
        Location.parse(text, default_transport="docker")


def test_a_file_that_is_not_called_tar_is_never_written_to_by_chance(here: Path) -> None:
    (here / "plain").write_bytes(tar_of(docker_members(LAYERS, tags=["hello:1"])))
    with pytest.raises(InvalidReference, match="not a place for images"):
        Location.parse("plain")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_read_as_an_archive(here: Path) -> None:
    os.mkfifo(here / "pipe")
    archive = tar_of(docker_members(LAYERS, tags=["hello:1"]))
    command = ["/bin/sh", "-c", "cat > pipe"]
    with ended_with_us(subprocess.Popen(command, stdin=subprocess.PIPE, cwd=here)) as writer:
        assert writer.stdin is not None
        writer.stdin.write(archive)
        writer.stdin.close()
        assert open_image("pipe").list_files() == ["etc", "etc/greeting"]
        assert writer.wait() == 0


@pytest.mark.parametrize("text", ["x" * 5000, "a\0b"], ids=["long", "nul"])
def test_what_cannot_be_a_path_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(InvalidReference):
        Location.parse(text, default_transport="docker")


@pytest.mark.parametrize("text", ["docker-archive:-", "oci-archive:-", "oci:-", "docker-archive:-:demo"])
def test_standard_streams_are_no_places(text: str) -> None:
    with pytest.raises(InvalidReference, match="standard input"):
        Location.parse(text)
    assert Location.parse("oci:./-").path == "./-"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ghcr.io/me/app", "(in a registry: docker://ghcr.io/me/app)"),
        ("ubuntu:24.04", "(in a registry: docker://ubuntu:24.04)"),
        ("docker:me/app:1", "(in a registry: docker://me/app:1)"),
        ("https://ghcr.io/me/app", "(in a registry: docker://ghcr.io/me/app)"),
        ("out", "'out' is not a place for images; give"),
        ("s3://bucket/image", "'s3://bucket/image' is not a place for images; give"),
    ],
)
def test_a_repository_without_its_medium_is_explained(text: str, hint: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Location.parse(text)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("docker://team/app:1", "docker://localhost:5602/team/app:1"),
        ("team/app:1", "docker://localhost:5602/team/app:1"),
        ("debian", "docker://localhost:5602/debian:latest"),
        ("docker.io/team/app:1", "docker://docker.io/team/app:1"),
        ("docker://docker.io/debian", "docker://docker.io/library/debian:latest"),
        ("ghcr.io/team/app:1", "docker://ghcr.io/team/app:1"),
    ],
)
def test_names_without_a_host_are_in_the_registry_of_the_environment(
    text: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", "http://localhost:5602/")
    assert str(Location.parse(text, default_transport="docker")) == place
    assert str(Location.in_registry(ImageReference.parse(text.removeprefix("docker://")))) == place
