"""Places where images went, and the command that runs an image from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cli.terminal.places import describe_place, engine_of, image_name, run_command
from python_docker.transports import Location


@pytest.mark.parametrize(
    ("places", "engine", "command"),
    [
        (["docker-daemon:demo:1"], "Podman", "podman run --rm -it demo:1"),
        (["demo.tar"], None, "docker load -i demo.tar && docker run --rm -it demo:1"),
        (["demo.tar", "docker-daemon:other:2"], "Docker", "docker run --rm -it other:2"),
        (["docker-archive:my demo.tar:x:3"], None, "docker load -i 'my demo.tar' && docker run --rm -it x:3"),
        (["oci:out", "docker://ghcr.io/org/demo:1"], None, "docker run --rm -it ghcr.io/org/demo:1"),
        (["oci:out"], None, "conda-docker copy oci:out docker-daemon:demo:1 && docker run --rm -it demo:1"),
    ],
)
def test_the_command_that_runs_an_image(places: list[str], engine: str | None, command: str) -> None:
    assert run_command("demo:1", [Location.parse(place) for place in places], engine) == command


def test_where_podman_alone_is_installed_it_is_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "podman").write_text("#!/bin/sh\n")
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    places = [Location.parse("demo.tar")]
    assert run_command("demo:1", places, None) == "podman load -i demo.tar && podman run --rm -it demo:1"


def test_only_what_went_to_an_engine_is_called_by_its_name() -> None:
    assert describe_place(Location.parse("docker-daemon:demo:1"), "Docker") == "Docker, as demo:1"
    assert describe_place(Location.parse("demo.tar"), "Docker") == "docker-archive:demo.tar"
    assert engine_of([Location.parse("demo.tar")]) is None


@pytest.mark.parametrize(
    ("places", "name"),
    [
        (["docker-archive:demo.tar:demo:1.0"], "demo:1.0"),
        (["docker-archive:demo.tar:demo:1.0", "docker://docker.io/library/demo:1.0"], "demo:1.0"),
        (["docker-archive:demo.tar:demo:1.0", "docker-archive:other.tar"], "conda-docker:latest"),
        (["docker-archive:demo.tar"], "conda-docker:latest"),
        (["oci:demo:v1"], "conda-docker:latest"),
        ([], "conda-docker:latest"),
    ],
)
def test_the_name_that_all_places_have(places: list[str], name: str) -> None:
    assert image_name("conda-docker:latest", [Location.parse(place) for place in places]) == name


def test_an_archive_on_standard_output_is_loaded_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("python_docker.transports.output.is_standard_output", lambda path: path == "/dev/stdout")
    places = [Location.parse("docker-archive:/dev/stdout:demo:2")]
    assert run_command("demo:1", places, "docker") == "docker run --rm -it demo:2"
