"""Docker through its command, and commands that fail."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.docker.command import EngineCommand
from python_docker.docker.process import Process
from python_docker.errors import EngineError, EngineNotFound, NotFound
from python_docker.spec.reference import ImageReference
from tests.images import GREETING, hello_config, layer_tar, write_docker_archive
from tests.peers import DockerEngine, Registry


@pytest.fixture
def docker(docker_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> EngineCommand:
    """Return the real docker command, which talks to the tests' engine."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(docker_engine.docker.path.parent), os.environ["PATH"]]))
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    return EngineCommand("docker")


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., EngineCommand]:
    """Return what makes a podman command of the lines of a shell script; `version` always succeeds."""

    def make(*lines: str) -> EngineCommand:
        script = "\n".join(["#!/bin/sh", '[ "$1" = version ] && exit 0', *lines, ""])
        (tmp_path / "podman").write_text(script)
        (tmp_path / "podman").chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
        return EngineCommand("podman")

    return make


def load(engine: EngineCommand, archive: bytes) -> list[str]:
    loading = engine.loading()
    try:
        loading.write(archive)
        loading.commit()
    finally:
        loading.abort()
    return loading.loaded


def hello_archive(folder: Path, tag: str, files: dict[str, bytes] | None = None) -> bytes:
    """An image with a file that no other test has, since engines never read a layer that they know."""
    layers = [layer_tar({**(files or {}), "etc/unique": tag.encode()})]
    write_docker_archive(folder / "hello.tar", layers, tags=[tag], runtime=hello_config())
    return (folder / "hello.tar").read_bytes()


def test_load_inspect_tag_and_save(docker: EngineCommand, tmp_path: Path) -> None:
    assert load(docker, hello_archive(tmp_path, "command-load:v1")) == ["command-load:v1"]
    docker.tag("command-load:v1", ImageReference.parse("command-load:v2"))
    assert sorted(docker.inspect("command-load:v2")["RepoTags"]) == ["command-load:v1", "command-load:v2"]
    file = io.BytesIO()
    docker.save("command-load:v2", file.write)
    assert b'"command-load:v2"' in file.getvalue()


def test_run(docker: EngineCommand, tmp_path: Path, runnable_files: dict[str, bytes]) -> None:
    load(docker, hello_archive(tmp_path, "command-run:v1", runnable_files))
    out, err = io.BytesIO(), io.BytesIO()
    assert docker.run("command-run:v1", Process(), out.write, err.write) == 0
    assert docker.run("command-run:v1", Process.of("echo out; echo err >&2; exit 5"), out.write, err.write) == 5
    assert out.getvalue() == f"{GREETING}\nout\n".encode()
    assert err.getvalue() == b"err\n"


def test_an_interrupted_container_is_removed(
    docker: EngineCommand, docker_engine: DockerEngine, tmp_path: Path, runnable_files: dict[str, bytes]
) -> None:
    load(docker, hello_archive(tmp_path, "command-interrupted:v1", runnable_files))

    def interrupt(data: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        docker.run("command-interrupted:v1", Process.of("echo started; sleep 100"), interrupt, lambda data: None)
    left = docker_engine.docker("ps", "--all", "--quiet", "--filter", "ancestor=command-interrupted:v1").stdout
    assert left == ""


def test_push_and_pull(docker: EngineCommand, registry: Registry, repository: str, tmp_path: Path) -> None:
    load(docker, hello_archive(tmp_path, "command-push:v1"))
    reference = ImageReference.parse(f"{registry.host}/{repository}:v1")
    docker.tag("command-push:v1", reference)
    digest = docker.push(reference)
    assert digest is not None
    docker.pull(reference.with_digest(digest))
    assert docker.inspect(f"{reference.name}@{digest}")["Id"] == docker.inspect("command-push:v1")["Id"]


def test_what_is_not_there_is_not_found(docker: EngineCommand, registry: Registry, repository: str) -> None:
    with pytest.raises(NotFound, match=r"`docker image inspect nosuch:v1` failed: .*(?i:no such image)"):
        docker.inspect("nosuch:v1")
    with pytest.raises(NotFound):
        docker.tag("nosuch:v1", ImageReference.parse("other:v1"))
    with pytest.raises(NotFound):
        docker.save("nosuch:v1", io.BytesIO().write)
    with pytest.raises(NotFound):
        docker.pull(ImageReference.parse(f"{registry.host}/{repository}:v1"))


def test_an_archive_that_is_none_is_refused(docker: EngineCommand) -> None:
    with pytest.raises(EngineError, match=r"`docker load` failed: .*invalid tar header"):
        load(docker, b"no archive" * 1000)


def test_what_is_aborted_is_not_loaded(docker: EngineCommand, tmp_path: Path) -> None:
    loading = docker.loading()
    loading.write(hello_archive(tmp_path, "command-aborted:v1")[:-1536])
    loading.abort()
    with pytest.raises(NotFound):
        docker.inspect("command-aborted:v1")


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(EngineNotFound, match="`nosuch-docker` cannot be run: No such file"):
        EngineCommand("nosuch-docker")


def test_a_command_without_an_engine_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    (tmp_path / "docker").write_text("#!/bin/sh\necho Cannot connect to the Docker daemon >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineNotFound, match="`docker version` fails: Cannot connect to the Docker daemon"):
        EngineCommand("docker")


def test_podman_tells_the_names_that_it_gave(podman: Callable[..., EngineCommand]) -> None:
    engine = podman("cat > /dev/null", "echo Getting image source signatures >&2", "echo Loaded image: localhost/x:v1")
    assert load(engine, b"x" * 3_000_000) == ["localhost/x:v1"]


def test_a_command_that_ends_early_is_quoted(podman: Callable[..., EngineCommand]) -> None:
    engine = podman("echo no space left on device >&2", "exit 125")
    with pytest.raises(EngineError, match="`podman load` failed: no space left on device"):
        load(engine, b"x" * 3_000_000)


def test_a_command_that_does_not_want_it_all_is_an_error(podman: Callable[..., EngineCommand]) -> None:
    with pytest.raises(EngineError, match="ended before it had the whole archive"):
        load(podman("exit 0"), b"x" * 3_000_000)


def test_a_failing_save_is_an_error(podman: Callable[..., EngineCommand]) -> None:
    file = io.BytesIO()
    with pytest.raises(EngineError, match="`podman save x:1` failed: exit code 3"):
        podman("echo half", "exit 3").save("x:1", file.write)


def test_a_save_that_cannot_be_kept_stops_the_command(podman: Callable[..., EngineCommand]) -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        podman("exec cat /dev/zero").save("x:1", full)


@pytest.mark.parametrize("printed", ["[]", "{}", "nothing", "[1]"])
def test_an_inspection_that_is_none_is_an_error(podman: Callable[..., EngineCommand], printed: str) -> None:
    with pytest.raises(EngineError, match="printed something else than it should"):
        podman(f"echo '{printed}'").inspect("x:1")


def test_podman_tells_no_digest(podman: Callable[..., EngineCommand]) -> None:
    assert podman("echo Writing manifest >&2").push(ImageReference.parse("localhost/x:1")) is None


def test_run_gets_what_it_is_told(podman: Callable[..., EngineCommand]) -> None:
    out = io.BytesIO()
    podman('echo "$@"').run("x:1", Process.of(["cat /a"]), out.write, out.write)
    expected = r"run --rm --name conda-docker-[0-9a-f]{16} --entrypoint /bin/sh x:1 -c cat /a\n"
    assert re.fullmatch(expected, out.getvalue().decode())


def test_a_command_that_prints_without_end_is_given_up(
    podman: Callable[..., EngineCommand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("python_docker.programs.MAX_OUTPUT", 1 << 20)
    with pytest.raises(EngineError, match=r"`podman image inspect x:1` cannot be run: podman prints more than 1 MiB"):
        podman("exec yes").inspect("x:1")
