"""An archive on its way into an engine, and what engines say to that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from python_docker.docker.loading import ArchiveUpload
from python_docker.errors import EngineError, NotFound
from tests.peers import DockerEngine
from tests.python_docker.docker.calling import api, hello_archive, load
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer, json_lines


@contextmanager
def ended(loading: ArchiveUpload) -> Iterator[None]:
    try:
        yield
    finally:
        loading.abort()


def write_much(loading: ArchiveUpload) -> None:
    """Write more than sockets hold."""
    for _ in range(100):
        loading.write(bytes(1 << 20))


def test_a_real_engine_loads_an_archive(docker_engine: DockerEngine, tmp_path: Path) -> None:
    assert load(api(docker_engine), hello_archive(tmp_path, "api-load:v1")) == ["api-load:v1"]
    assert "api-load:v1" in docker_engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout


def test_an_image_without_a_name_is_known_by_its_id(docker_engine: DockerEngine, tmp_path: Path) -> None:
    [name] = load(api(docker_engine), hello_archive(tmp_path, "", b"nameless"))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", name)
    assert api(docker_engine).inspect(name)["Id"] == name


def test_a_real_engines_refusal_is_an_error(docker_engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match=r"Docker could not load the image: .*invalid tar header"):
        load(api(docker_engine), b"no archive" * 1000)


def test_the_archive_arrives_as_a_tar_in_chunks(fake_engine: FakeEngine) -> None:
    fake_engine.answers["POST /images/load"] = [http_answer(json_lines({"stream": "Loaded image: x:1\n"}))]
    loading = api(fake_engine).loading()
    for _ in range(3):
        loading.write(b"a" * 512)
        loading.write(b"b" * 3_000_000)
    loading.commit()
    request = fake_engine.requests[-1]
    assert request.body == (b"a" * 512 + b"b" * 3_000_000) * 3
    assert request.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Loaded image: localhost/x:1,localhost/y:2", ["localhost/x:1", "localhost/y:2"]),
        ("Loaded image(s): localhost/x:1", ["localhost/x:1"]),
        (f"Loaded image ID: sha256:{'a' * 64}", [f"sha256:{'a' * 64}"]),
        ("The image x:1 already exists, renaming the old one with ID sha256:aa to empty string", []),
    ],
)
def test_what_engines_say_of_loaded_images_is_understood(fake_engine: FakeEngine, said: str, names: list[str]) -> None:
    answer = json_lines({"status": "Loading layer", "progressDetail": {}}, {"stream": f"{said}\n"})
    fake_engine.answers["POST /images/load"] = [chunked_answer(answer)]
    assert load(api(fake_engine), b"") == names


def test_an_error_after_200_is_an_error(fake_engine: FakeEngine) -> None:
    lines = json_lines(
        {"status": "Loading layer"}, {"errorDetail": {"message": "no space left on device"}, "error": "no space"}
    )
    fake_engine.answers["POST /images/load"] = [chunked_answer(lines)]
    with pytest.raises(EngineError, match="Docker could not load the image: no space left on device"):
        load(api(fake_engine), b"")


def test_an_error_without_detail_is_one_too(fake_engine: FakeEngine) -> None:
    fake_engine.answers["POST /images/load"] = [chunked_answer(json_lines({"error": "broken"}))]
    with pytest.raises(EngineError, match="broken"):
        load(api(fake_engine), b"")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http_answer(b'{"status"', size=4000), "the connection was cut|not a Docker Engine"),
        (http_answer(b"<html>Bad gateway</html>"), "not a Docker Engine"),
        (chunked_answer(b'["a", "list"]\n'), "not a Docker Engine"),
        (http_answer(b"[" * 100_000 + b"\n"), "not a Docker Engine"),
        (http_answer(b"<html>Proxy error</html>", 502), "<html>Proxy error</html>"),
        (http_answer(b'{"message": "no manifest.json"}', 500), "no manifest.json"),
        (http_answer(b"", 400), "HTTP status 400"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the connection was cut"),
        (b"", "the connection was cut"),
    ],
)
def test_a_bad_answer_is_an_error(fake_engine: FakeEngine, answer: bytes, reason: str) -> None:
    fake_engine.answers["POST /images/load"] = [answer]
    with pytest.raises(EngineError, match=f"^Docker could not load the image: .*({reason})"):
        load(api(fake_engine), b"")


def test_an_engine_that_hangs_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.answers["POST /images/load"] = [fake_engine.hang]
    with pytest.raises(EngineError, match="it does not answer"):
        load(api(fake_engine, silence=0.2), b"")


def test_an_engine_that_stops_listening_is_given_up(fake_engine: FakeEngine) -> None:
    fake_engine.deaf.add("POST /images/load")
    fake_engine.answers["POST /images/load"] = [fake_engine.hang]
    loading = api(fake_engine, silence=0.2).loading()
    with ended(loading), pytest.raises(EngineError, match="it does not answer"):
        write_much(loading)


def test_an_engine_that_hangs_up_early_is_quoted(fake_engine: FakeEngine) -> None:
    fake_engine.deaf.add("POST /images/load")
    fake_engine.answers["POST /images/load"] = [http_answer(b'{"message": "the disk is full"}', 500)]
    loading = api(fake_engine).loading()
    with ended(loading), pytest.raises(EngineError, match="the disk is full"):
        write_much(loading)


def test_what_is_aborted_is_not_loaded(docker_engine: DockerEngine, tmp_path: Path) -> None:
    archive = hello_archive(tmp_path, "api-aborted:v1")
    loading = api(docker_engine).loading()
    loading.write(archive[:-1536])
    loading.abort()
    with pytest.raises(NotFound):
        api(docker_engine).inspect("api-aborted:v1")
