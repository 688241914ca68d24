"""Speaking to an engine: to a real one, and to one that fails in every way."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from python_docker.docker.api import EngineApi
from python_docker.docker.endpoint import Endpoint
from python_docker.docker.loading import ArchiveUpload
from python_docker.errors import EngineError, EngineNotFound, NotFound
from python_docker.spec.reference import ImageReference
from tests.images import hello_config, layer_tar, write_docker_archive
from tests.peers import DockerEngine, Registry
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer, json_lines, version_answer

NO_MORE = bytes(1024)
"""The end of a tar."""


def api(engine: FakeEngine | DockerEngine, *, silence: float = 20, greeting: float = 20) -> EngineApi:
    return EngineApi(Endpoint(engine.host, "a test"), silence=silence, greeting=greeting)


def load(engine: EngineApi, archive: bytes) -> list[str]:
    loading = engine.loading()
    loading.write(archive)
    loading.commit()
    return loading.loaded


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


def hello_archive(folder: Path, tag: str, content: bytes | None = None) -> bytes:
    """An image with one file that no other test has, since engines never read a layer that they know."""
    path = folder / "hello.tar"
    layers = [layer_tar({"etc/unique": content or tag.encode()})]
    write_docker_archive(path, layers, tags=[tag] if tag else [], runtime=hello_config())
    return path.read_bytes()


# -- who is there --------------------------------------------------------------------------------------------------


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


# -- load ----------------------------------------------------------------------------------------------------------


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


# -- save ----------------------------------------------------------------------------------------------------------


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


# -- pull, push, tag, inspect --------------------------------------------------------------------------------------


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


def sent_auth(engine: FakeEngine) -> object:
    return json.loads(base64.urlsafe_b64decode(engine.requests[-1].headers["x-registry-auth"]))


def push_to(engine: FakeEngine, reference: str) -> object:
    engine.answers["POST /images/reg.example/x/push"] = [chunked_answer(b"")]
    engine.answers["POST /images/docker.io/library/x/push"] = [chunked_answer(b"")]
    api(engine).push(ImageReference.parse(reference))
    return sent_auth(engine)


def test_a_push_without_credentials_says_so(fake_engine: FakeEngine) -> None:
    assert push_to(fake_engine, "reg.example/x:1") == {}


def test_credentials_of_the_registry_are_lent(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    auth = base64.b64encode(b"alice:secret").decode()
    other = base64.b64encode(b"bob:other").decode()
    (tmp_path / "auth.json").write_text(
        json.dumps({"auths": {"reg.example": {"auth": auth}, "other.example": {"auth": other}}})
    )
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    expected = {"username": "alice", "password": "secret", "serveraddress": "reg.example"}
    assert push_to(fake_engine, "reg.example/x:1") == expected
    assert push_to(fake_engine, "x:1") == {}


def test_docker_hub_has_an_address_of_its_own(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_USERNAME", "alice")
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_PASSWORD", "secret")
    server = "https://index.docker.io/v1/"
    assert push_to(fake_engine, "x:1") == {"username": "alice", "password": "secret", "serveraddress": server}
    assert push_to(fake_engine, "reg.example/x:1") == {}


def test_no_secret_gets_into_an_error(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_USERNAME", "alice")
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_PASSWORD", "geheim")
    fake_engine.answers["POST /images/docker.io/library/x/push"] = [http_answer(b"", 500)]
    with pytest.raises(EngineError) as failed:
        api(fake_engine).push(ImageReference.parse("x:1"))
    assert "geheim" not in str(failed.value)


def test_an_unknown_image_is_not_found(docker_engine: DockerEngine) -> None:
    engine = api(docker_engine)
    with pytest.raises(NotFound, match=r"(?i)no such image"):
        engine.inspect("nosuch:v1")
    with pytest.raises(NotFound, match=r"(?i)no such image"):
        engine.tag("nosuch:v1", ImageReference.parse("other:v1"))
