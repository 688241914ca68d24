"""Running containers: in a real engine, and in one that fails in every way."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from python_docker.docker.api import EngineApi
from python_docker.docker.endpoint import Endpoint
from python_docker.docker.process import Process
from python_docker.errors import EngineError, NotFound
from tests.images import GREETING, hello_config, layer_tar, write_docker_archive
from tests.peers import DockerEngine, Registry
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer, json_lines

ID = "c0ffee"
RAW = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"


@pytest.fixture(scope="module")
def hello(
    docker_engine: DockerEngine, runnable_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Return the name of an image in the engine that prints its greeting."""
    archive = tmp_path_factory.mktemp("container") / "hello.tar"
    files = {**runnable_files, "etc/unique": b"container"}
    write_docker_archive(archive, [layer_tar(files)], tags=["container-hello:v1"], runtime=hello_config())
    docker_engine.load(archive)
    return "container-hello:v1"


class Printed:
    """What a container printed, and in which pieces."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.err: list[bytes] = []

    def run(self, engine: DockerEngine | FakeEngine, image: str, process: Process) -> int:
        api = EngineApi(Endpoint(engine.host, "a test"), silence=20)
        return api.run(image, process, self.out.append, self.err.append)


def containers(engine: DockerEngine, image: str) -> str:
    return engine.docker("ps", "--all", "--quiet", "--filter", f"ancestor={image}").stdout


def test_an_image_runs_what_it_says(docker_engine: DockerEngine, hello: str) -> None:
    printed = Printed()
    assert printed.run(docker_engine, hello, Process()) == 0
    assert b"".join(printed.out) == f"{GREETING}\n".encode()


def test_arguments_stay_apart(docker_engine: DockerEngine, hello: str) -> None:
    printed = Printed()
    assert printed.run(docker_engine, hello, Process(("echo", "a  b", "$HOME"))) == 0
    assert b"".join(printed.out) == b"a  b $HOME\n"


def test_an_entrypoint_can_be_given(docker_engine: DockerEngine, hello: str) -> None:
    printed = Printed()
    assert printed.run(docker_engine, hello, Process(("-c", "echo one; echo two"), "/bin/sh")) == 0
    assert b"".join(printed.out) == b"one\ntwo\n"


def test_the_streams_and_the_exit_code_are_told_apart(docker_engine: DockerEngine, hello: str) -> None:
    printed = Printed()
    assert printed.run(docker_engine, hello, Process.of("echo out; echo err >&2; exit 7")) == 7
    assert (b"".join(printed.out), b"".join(printed.err)) == (b"out\n", b"err\n")


def test_much_output_arrives_whole(docker_engine: DockerEngine, hello: str) -> None:
    printed = Printed()
    line = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done"
    assert printed.run(docker_engine, hello, Process.of(line)) == 0
    assert b"".join(printed.out) == b"".join(b"%d\n" % number for number in range(20000))


def test_output_comes_while_the_container_runs(docker_engine: DockerEngine, hello: str) -> None:
    seen = threading.Event()
    api = EngineApi(Endpoint(docker_engine.host, "a test"))

    def take(data: bytes) -> None:
        seen.set()
        [container] = containers(docker_engine, hello).split()
        # It waits for this, so that it would never end if its output came only at the end.
        docker_engine.docker("exec", container, "sh", "-c", "echo > /tmp-done")

    line = "echo first; while [ ! -e /tmp-done ]; do sleep 0.1; done"
    assert api.run(hello, Process.of(line), take, lambda data: None) == 0
    assert seen.is_set()


@pytest.mark.parametrize("command", ["true", "exit 3"])
def test_no_container_is_left_behind(docker_engine: DockerEngine, hello: str, command: str) -> None:
    Printed().run(docker_engine, hello, Process.of(command))
    assert containers(docker_engine, hello) == ""


def test_a_process_that_cannot_start_is_an_error(docker_engine: DockerEngine, hello: str) -> None:
    with pytest.raises(EngineError, match="executable file not found"):
        Printed().run(docker_engine, hello, Process(("nosuch",)))
    assert containers(docker_engine, hello) == ""


def test_an_interrupted_container_is_removed(docker_engine: DockerEngine, hello: str) -> None:
    def interrupt(data: bytes) -> None:
        raise KeyboardInterrupt

    api = EngineApi(Endpoint(docker_engine.host, "a test"))
    with pytest.raises(KeyboardInterrupt):
        api.run(hello, Process.of("echo started; sleep 100"), interrupt, interrupt)
    assert containers(docker_engine, hello) == ""


def test_an_image_that_is_not_there_is_pulled(
    docker_engine: DockerEngine, hello: str, registry: Registry, repository: str
) -> None:
    name = f"{registry.host}/{repository}:v1"
    docker_engine.docker("tag", hello, name)
    docker_engine.docker("push", name)
    docker_engine.docker("rmi", name)
    printed = Printed()
    assert printed.run(docker_engine, name, Process()) == 0
    assert b"".join(printed.out) == f"{GREETING}\n".encode()


def test_an_id_that_is_not_there_is_not_pulled(docker_engine: DockerEngine) -> None:
    with pytest.raises(NotFound, match=r"(?i)no such image"):
        Printed().run(docker_engine, f"sha256:{'0' * 64}", Process())


# -- engines that fail ---------------------------------------------------------------------------------------------


@pytest.fixture
def scripted(fake_engine: FakeEngine) -> FakeEngine:
    """Return an engine that runs any container well; it prints nothing and ends with 0."""
    container = f"/containers/{ID}"
    fake_engine.answers |= {
        "POST /containers/create": [http_answer(json.dumps({"Id": ID, "Warnings": []}).encode(), 201)],
        f"POST {container}/attach": [RAW],
        f"GET {container}/json": [http_answer(b'{"Config": {"Tty": false}}')],
        f"POST {container}/start": [http_answer(b"", 204)],
        f"POST {container}/wait": [chunked_answer(b'{"Error":null,"StatusCode":0}')],
        f"DELETE {container}": [http_answer(b"", 204)],
        "GET /networks": [http_answer(b'[{"Name":"bridge","Driver":"bridge"},{"Name":"none","Driver":"null"}]')],
    }
    return fake_engine


def test_a_container_is_attached_to_before_it_starts(scripted: FakeEngine) -> None:
    assert Printed().run(scripted, "x:1", Process()) == 0
    steps = ["create", f"{ID}/attach", f"{ID}/start", f"{ID}/wait"]
    assert scripted.asked()[1:] == [*(f"POST /containers/{step}" for step in steps), f"DELETE /containers/{ID}"]


def test_without_a_network_it_starts_without_one(scripted: FakeEngine) -> None:
    refusal = http_answer(b'{"message":"network bridge not found"}', 404)
    scripted.answers[f"POST /containers/{ID}/start"] = [refusal, http_answer(b"", 204)]
    scripted.answers["GET /networks"] = [
        http_answer(b'[{"Name":"host","Driver":"host"},{"Name":"none","Driver":"null"}]')
    ]
    assert Printed().run(scripted, "x:1", Process()) == 0
    created = [json.loads(request.body) for request in scripted.requests if request.path == "/containers/create"]
    assert [settings.get("HostConfig") for settings in created] == [None, {"NetworkMode": "none"}]
    assert scripted.asked().count(f"DELETE /containers/{ID}") == 2


def test_a_failed_start_is_not_tried_again_where_there_is_a_network(scripted: FakeEngine) -> None:
    scripted.answers[f"POST /containers/{ID}/start"] = [http_answer(b'{"message":"no such program"}', 404)]
    with pytest.raises(EngineError, match="could not run x:1: no such program"):
        Printed().run(scripted, "x:1", Process())
    assert scripted.asked().count("POST /containers/create") == 1


@pytest.mark.parametrize("answer", [b"{}", b'{"StatusCode": "0"}', b"[]", b"<html>"])
def test_an_end_that_is_not_told_is_an_error(scripted: FakeEngine, answer: bytes) -> None:
    scripted.answers[f"POST /containers/{ID}/wait"] = [http_answer(answer)]
    with pytest.raises(EngineError):
        Printed().run(scripted, "x:1", Process())


def test_a_container_that_cannot_be_removed_hides_nothing(scripted: FakeEngine) -> None:
    scripted.answers[f"DELETE /containers/{ID}"] = [http_answer(b"<html>", 500)]
    assert Printed().run(scripted, "x:1", Process()) == 0


def test_a_missing_image_that_cannot_be_pulled_is_not_found(scripted: FakeEngine) -> None:
    missing = http_answer(b'{"message":"No such image: x:1"}', 404)
    scripted.answers["POST /containers/create"] = [missing]
    scripted.answers["POST /images/create"] = [http_answer(b'{"message":"pull access denied for x"}', 404)]
    with pytest.raises(NotFound, match="pull access denied for x"):
        Printed().run(scripted, "x:1", Process())


def test_a_pull_that_brings_nothing_does_not_go_on_for_ever(scripted: FakeEngine) -> None:
    scripted.answers["POST /containers/create"] = [http_answer(b'{"message":"No such image: x:1"}', 404)]
    scripted.answers["POST /images/create"] = [chunked_answer(json_lines({"status": "done"}))]
    with pytest.raises(NotFound):
        Printed().run(scripted, "x:1", Process())
    assert scripted.asked().count("POST /images/create") == 1


def test_settings_hold_no_more_than_was_asked_for(scripted: FakeEngine, tmp_path: Path) -> None:
    Printed().run(scripted, "x:1", Process.of(["cat /a"]))
    created = json.loads(next(request.body for request in scripted.requests if request.path == "/containers/create"))
    assert {name: value for name, value in created.items() if value} == {
        "Image": "x:1",
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-c", "cat /a"],
        "AttachStdout": True,
        "AttachStderr": True,
    }
