"""The functions of `python_docker.docker`, with a real engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker import docker
from python_docker.errors import ContainerFailed, EngineError, EngineNotFound, Error, InvalidReference, NotFound
from python_docker.image import Image
from tests.images import GREETING, hello_config, layer_tar, write_docker_archive
from tests.peers import DockerEngine, Registry
from tests.python_docker.docker.fake_engine import FakeEngine, http_answer, json_lines


@pytest.fixture
def engine(docker_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> DockerEngine:
    """Return the tests' engine, as the one that is found."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    return docker_engine


@pytest.fixture
def archive(tmp_path: Path, runnable_files: dict[str, bytes]) -> Callable[[str], Path]:
    """Return what makes an archive with one image that runs, of which no layer is known to the engine."""

    def make(tag: str) -> Path:
        path = tmp_path / "hello.tar"
        layers = [layer_tar({**runnable_files, "etc/unique": tag.encode()})]
        write_docker_archive(path, layers, tags=[tag] if tag else [], runtime=hello_config())
        return path

    return make


def test_load_run_tag_and_save(engine: DockerEngine, archive: Callable[[str], Path], tmp_path: Path) -> None:
    assert docker.load(archive("functions:v1")) == ["functions:v1"]
    assert docker.run("functions", "v1") == f"{GREETING}\n".encode()
    docker.tag("functions", "v1", "functions-too")
    docker.save("functions-too", "latest", tmp_path / "saved.tar")
    [image] = Image.from_filename(tmp_path / "saved.tar")
    assert image.id == docker.inspect("functions", "v1")["Id"]


def test_push_and_pull(
    engine: DockerEngine, registry: Registry, repository: str, archive: Callable[[str], Path]
) -> None:
    name = f"{registry.host}/{repository}"
    docker.load(archive(f"{name}:v1"))
    assert str(docker.push(name, "v1")).startswith("sha256:")
    engine.docker("rmi", f"{name}:v1")
    docker.pull(name, "v1")
    assert docker.inspect(name, "v1")["RepoTags"] == [f"{name}:v1"]


def test_run_prints_nothing_of_standard_output(
    engine: DockerEngine, archive: Callable[[str], Path], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    docker.load(archive("functions-quiet:v1"))
    capfdbinary.readouterr()
    assert docker.run("functions-quiet", "v1", "echo out; echo err >&2") == b"out\n"
    assert capfdbinary.readouterr() == (b"", b"err\n")


def test_image_run_prints_what_it_gives(
    engine: DockerEngine, archive: Callable[[str], Path], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    [image] = Image.from_filename(archive("functions-printed:v1"))
    assert image.run(["cat /etc/greeting; echo err >&2"]) == f"{GREETING}\n".encode()
    assert capfdbinary.readouterr() == (f"{GREETING}\n".encode(), b"err\n")


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (None, f"{GREETING}\n"),
        (["echo", "a  b"], "a  b\n"),
        (["cat", "/etc/unique"], "functions-forms:v1"),
        (["cat /etc/unique"], "functions-forms:v1"),
        ("echo $PATH", "/bin\n"),
        (["id", "-u"], "0\n"),
        (["/bin/true"], ""),
    ],
)
def test_every_form_of_command_runs(
    engine: DockerEngine, archive: Callable[[str], Path], command: list[str] | str | None, printed: str
) -> None:
    [image] = Image.from_filename(archive("functions-forms:v1"))
    assert image.run(command) == printed.encode()


def test_a_line_for_the_shell_stands_in_for_the_entrypoint(
    engine: DockerEngine, archive: Callable[[str], Path]
) -> None:
    [image] = Image.from_filename(archive("functions-entrypoint:v1"))
    image.config["Entrypoint"][:] = ["/bin/echo", "entered:"]
    assert image.run(["a", "b"]) == b"entered: a b\n"
    assert image.run(["echo not entered"]) == b"not entered\n"


def test_images_of_earlier_releases_run_as_they_did(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive("functions-earlier:v1"))
    image.config["Entrypoint"][:] = ["/bin/sh", "-c"]
    assert image.run(["cat /etc/greeting"]) == f"{GREETING}\n".encode()


def test_an_image_without_a_name_runs(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive(""))
    image.add_layer_contents({"/etc/unique": b"functions-nameless"})
    assert image.name == ""
    assert image.run(["cat /etc/unique"]) == b"functions-nameless"


def test_a_name_that_docker_cannot_have_is_refused(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive("functions-name:v1"))
    image.name = "Upper"
    with pytest.raises(InvalidReference, match="names are lower case"):
        image.run()


def test_a_failing_container_is_an_error_with_its_output(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive("functions-failing:v1"))
    with pytest.raises(ContainerFailed) as failed:
        image.run(["echo half; cat /nosuch"])
    assert (failed.value.exit_code, failed.value.output) == (1, b"half\n")
    expected = "`echo half; cat /nosuch` in functions-failing:v1 ended with exit code 1: cat: can't open '/nosuch'"
    assert str(failed.value).startswith(expected)


def test_an_error_has_the_last_of_much_output(engine: DockerEngine, archive: Callable[[str], Path]) -> None:
    [image] = Image.from_filename(archive("functions-much:v1"))
    with pytest.raises(ContainerFailed) as failed:
        image.run("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 9")
    assert str(failed.value).endswith("line 2999")
    assert len(str(failed.value)) < 5000


def test_an_unknown_image_leaves_no_file(engine: DockerEngine, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("before")
    with pytest.raises(NotFound):
        docker.save("nosuch", "v1", tmp_path / "there.tar")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["there.tar"]
    assert (tmp_path / "there.tar").read_text() == "before"


def test_an_archive_that_is_not_there(engine: DockerEngine, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file .*gone\.tar"):
        docker.load(tmp_path / "gone.tar")


def test_an_archive_that_cannot_be_read(engine: DockerEngine, tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"cannot read .*: Is a directory"):
        docker.load(tmp_path)


def test_an_engine_that_does_not_say_what_it_loaded_is_an_error(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", fake_engine.host)
    fake_engine.answers["POST /images/load"] = [http_answer(json_lines({"status": "done"}))]
    image = Image("x", "v1")
    image.add_layer_contents({"a": b"b"})
    with pytest.raises(EngineError, match="did not say that it loaded it"):
        docker.load_image(image)


def test_without_an_engine_everything_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    image = Image("x", "v1")
    (tmp_path / "x.tar").touch()
    calls: list[Callable[[], object]] = [
        lambda: docker.load(tmp_path / "x.tar"),
        lambda: docker.save("x", "v1", tmp_path / "y.tar"),
        lambda: docker.pull("x", "v1"),
        lambda: docker.push("x", "v1"),
        lambda: docker.tag("x", "v1", "y", "v1"),
        lambda: docker.run("x", "v1"),
        lambda: docker.inspect("x", "v1"),
        image.load,
        image.run,
    ]
    for call in calls:
        with pytest.raises(EngineNotFound, match=r"no engine at unix:///.*Install and start Docker"):
            call()
    assert sorted(os.listdir(tmp_path)) == ["x.tar"]
