"""Speaking to an engine: to a real one, and to one that fails in every way."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from python_docker.docker.api import EngineApi
from python_docker.docker.endpoint import Endpoint
from python_docker.errors import EngineError, EngineNotFound, NotFound
from python_docker.spec.reference import ImageReference
from tests.peers import DockerEngine, Registry
from tests.python_docker.docker.calling import api, hello_archive, load
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer, json_lines, version_answer

NO_MORE = bytes(1024)


def test_a_real_engine_says_who_it_is(docker_engine: DockerEngine) -> None:
    engine = api(docker_engine)
    assert engine.name == "Docker"
    assert re.fullmatch(r"1\.\d+", engine.version)


def test_podman_is_known_by_its_components(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /version"] = [version_answer("1.41", "Podman Engine")]
    assert api(fake_engine).name == "Podman"


@pytest.mark.parametrize("offered", ["1.24", "1.41", "1.60"])
def test_the_version_that_the_engine_offers_is_spoken(fake_engine: FakeEngine, offered: str) -> None:
    fake_engine.answers["GET /version"] = [version_answer(offered)]
    fake_engine.answers["GET /images/x:1/json"] = [http_answer(b"{}")]
    api(fake_engine).inspect("x:1")
    assert fake_engine.requests[-1].version == offered


def test_an_engine_that_is_too_old_is_refused(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /version"] = [version_answer("1.18")]
    with pytest.raises(EngineError, match=r"too old: it speaks version 1\.18 of the API; at least 1\.24"):
        api(fake_engine)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(b"<html>It works!</html>"),
        http_answer(b"<html>Forbidden</html>", 403),
        http_answer(b"", 404),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        http_answer(b"{}"),
        http_answer(b"[]"),
        version_answer("newest"),
    ],
)
def test_what_is_not_an_engine_is_told_from_one(fake_engine: FakeEngine, answer: bytes) -> None:
    fake_engine.answers["GET /version"] = [answer]
    with pytest.raises((EngineError, NotFound), match=r"no engine at unix://.*: (it could not say who|the server)"):
        api(fake_engine)


def test_an_engine_that_never_says_hello_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /version"] = [fake_engine.hang]
    with pytest.raises(EngineError, match="does not answer"):
        api(fake_engine, greeting=0.2)


def test_no_socket_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineNotFound, match=r"no engine at unix:///.*gone\.sock \(a test\): .*it is not there"):
        EngineApi(Endpoint(f"unix://{tmp_path / 'gone.sock'}", "a test"))


def test_an_address_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(EngineError, match="an address begins with one of unix, tcp"):
        EngineApi(Endpoint("gopher://host", "a test"))


def test_a_real_engine_saves_what_it_loaded(docker_engine: DockerEngine, tmp_path: Path) -> None:
    load(api(docker_engine), hello_archive(tmp_path, "api-save:v1"))
    file = io.BytesIO()
    api(docker_engine).save("api-save:v1", file.write)
    assert b"api-save" in file.getvalue()
    assert file.getvalue().endswith(NO_MORE)


def test_saving_an_unknown_image_is_not_found(docker_engine: DockerEngine) -> None:
    with pytest.raises(NotFound, match="Docker could not save nosuch:v1"):
        api(docker_engine).save("nosuch:v1", io.BytesIO().write)


@pytest.mark.parametrize(
    "answer",
    [
        chunked_answer(b"x" * 5000),
        chunked_answer(NO_MORE[:-1]),
        chunked_answer(b"x" * 5000, NO_MORE, whole=False),
        http_answer(b"x" * 5000 + NO_MORE, size=9000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
    ],
)
def test_an_archive_that_is_cut_off_is_an_error(fake_engine: FakeEngine, answer: bytes) -> None:
    fake_engine.answers["GET /images/x:1/get"] = [answer]
    with pytest.raises(EngineError, match=r"could not save x:1: .*cut"):
        api(fake_engine).save("x:1", io.BytesIO().write)


def test_a_real_engine_pushes_and_pulls(
    docker_engine: DockerEngine, registry: Registry, repository: str, tmp_path: Path
) -> None:
    engine = api(docker_engine)
    load(engine, hello_archive(tmp_path, "api-push:v1"))
    reference = ImageReference.parse(f"{registry.host}/{repository}:v1")
    engine.tag("api-push:v1", reference)
    digest = engine.push(reference)
    assert digest is not None
    docker_engine.docker("rmi", reference.familiar)
    engine.pull(reference.with_digest(digest))
    assert engine.inspect(f"{reference.name}@{digest}")["Id"] == engine.inspect("api-push:v1")["Id"]


def test_pulling_what_no_registry_has_is_not_found(
    docker_engine: DockerEngine, registry: Registry, repository: str
) -> None:
    with pytest.raises(NotFound, match="Docker could not pull"):
        api(docker_engine).pull(ImageReference.parse(f"{registry.host}/{repository}:v1"))


def test_pushing_to_no_registry_is_an_error(docker_engine: DockerEngine, tmp_path: Path) -> None:
    engine = api(docker_engine)
    reference = ImageReference.parse("localhost:1/api-nowhere:v1")
    load(engine, hello_archive(tmp_path, "api-nowhere:v1"))
    engine.tag("api-nowhere:v1", reference)
    with pytest.raises(EngineError, match=r"could not push localhost:1/api-nowhere:v1: .*connection refused"):
        engine.push(reference)


def test_a_pull_that_fails_late_is_an_error(fake_engine: FakeEngine) -> None:
    lines = json_lines({"status": "Pulling from library/x"}, {"error": "toomanyrequests: rate limit"})
    fake_engine.answers["POST /images/create"] = [chunked_answer(lines)]
    with pytest.raises(EngineError, match="could not pull x:1: toomanyrequests"):
        api(fake_engine).pull(ImageReference.parse("x:1"))
    assert fake_engine.requests[-1].query == {"fromImage": ["docker.io/library/x"], "tag": ["1"]}


def test_a_push_tells_the_digest(fake_engine: FakeEngine) -> None:
    digest = f"sha256:{'b' * 64}"
    lines = json_lines({"status": "Pushed"}, {"aux": {"Tag": "1", "Digest": digest, "Size": 700}})
    fake_engine.answers["POST /images/localhost:5000/x/push"] = [chunked_answer(lines)]
    assert api(fake_engine).push(ImageReference.parse("localhost:5000/x:1")) == digest


def test_an_unknown_image_is_not_found(docker_engine: DockerEngine) -> None:
    engine = api(docker_engine)
    with pytest.raises(NotFound, match=r"(?i)no such image"):
        engine.inspect("nosuch:v1")
    with pytest.raises(NotFound, match=r"(?i)no such image"):
        engine.tag("nosuch:v1", ImageReference.parse("other:v1"))
