"""Where engines are looked for."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from python_docker.docker.endpoint import Endpoint, Tls, chosen_endpoint, usual_endpoints
from python_docker.errors import EngineError, EngineNotFound


def write_context(config: Path, name: str, host: str, **more: object) -> Path:
    """Write a context as `docker context create` does, and return its folder for certificates."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = config / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **more}}})
    )
    return config / "contexts" / "tls" / digest / "docker"


def test_nothing_is_chosen_without_settings(tmp_path: Path) -> None:
    assert chosen_endpoint({"HOME": str(tmp_path)}) is None


def test_docker_host_goes_before_all(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "DOCKER_HOST": "unix:///a.sock", "DOCKER_CONTEXT": "other"}
    assert chosen_endpoint(environment) == Endpoint("unix:///a.sock", "DOCKER_HOST")


def test_docker_context_names_a_context(tmp_path: Path) -> None:
    write_context(tmp_path / ".docker", "far", "ssh://me@far.example")
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "other"}')
    found = chosen_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "far"})
    assert found is not None
    assert found.address == "ssh://me@far.example"


def test_the_current_context_of_the_settings_counts(tmp_path: Path) -> None:
    write_context(tmp_path, "desktop-linux", "unix:///home/me/docker.sock")
    (tmp_path / "config.json").write_text('{"auths": {}, "currentContext": "desktop-linux"}')
    found = chosen_endpoint({"DOCKER_CONFIG": str(tmp_path)})
    assert found is not None
    assert (found.address, found.tls) == ("unix:///home/me/docker.sock", None)


@pytest.mark.parametrize("settings", ['{"currentContext": "default"}', '{"currentContext": ""}', "{}"])
def test_the_default_context_is_no_choice(tmp_path: Path, settings: str) -> None:
    (tmp_path / "config.json").write_text(settings)
    assert chosen_endpoint({"DOCKER_CONFIG": str(tmp_path)}) is None


def test_a_context_in_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write_context(tmp_path, "near", "unix:///x")
    [path] = tmp_path.rglob("meta.json")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(EngineNotFound, match="which is not there"):
        chosen_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "near"})


def test_a_context_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineNotFound, match=r"DOCKER_CONTEXT names the Docker context 'gone'.*docker context ls"):
        chosen_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "gone"})


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"Endpoints": {}}', '{"Endpoints": {"docker": {"Host": 7}}}'])
def test_a_malformed_context_is_an_error(tmp_path: Path, content: str) -> None:
    folder = write_context(tmp_path, "odd", "unix:///x")
    (tmp_path / "contexts" / "meta" / folder.parent.name / "meta.json").write_text(content)
    with pytest.raises(EngineError):
        chosen_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "odd"})


def test_malformed_settings_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": ')
    with pytest.raises(EngineError, match=r"config\.json"):
        chosen_endpoint({"DOCKER_CONFIG": str(tmp_path)})


def test_a_context_brings_its_certificates(tmp_path: Path) -> None:
    folder = write_context(tmp_path, "secure", "tcp://far.example:2376")
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).touch()
    found = chosen_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "secure"})
    assert found is not None
    assert found.tls == Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem", verify=True)


def test_a_context_may_do_without_verification(tmp_path: Path) -> None:
    write_context(tmp_path, "lax", "tcp://far.example:2376", SkipTLSVerify=True)
    found = chosen_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "lax"})
    assert found is not None
    assert found.tls == Tls(verify=False)


def test_docker_tls_verify_asks_for_tls(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    environment = {"DOCKER_HOST": "tcp://far.example", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = chosen_endpoint(environment)
    assert found is not None
    assert found.tls == Tls(tmp_path / "ca.pem", verify=True)


def test_podmans_setting_comes_after_dockers(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "CONTAINER_HOST": "unix:///podman.sock"}
    assert chosen_endpoint(environment) == Endpoint("unix:///podman.sock", "CONTAINER_HOST", command="podman")
    found = chosen_endpoint(environment | {"DOCKER_HOST": "unix:///docker.sock"})
    assert found is not None
    assert found.address == "unix:///docker.sock"


@pytest.mark.skipif(os.name == "nt", reason="Windows has pipes")
def test_the_usual_sockets_are_dockers_then_podmans_of_all_and_of_this_user() -> None:
    addresses = [endpoint.address for endpoint in usual_endpoints({"XDG_RUNTIME_DIR": "/run/me", "HOME": "/home/me"})]
    assert addresses == [
        "unix:///var/run/docker.sock",
        "unix:///run/me/docker.sock",
        "unix:///home/me/.docker/run/docker.sock",
        "unix:///home/me/.docker/desktop/docker.sock",
        "unix:///run/podman/podman.sock",
        "unix:///run/me/podman/podman.sock",
    ]


@pytest.mark.parametrize(
    ("address", "scheme"), [("unix:///x", "unix"), ("TCP://host:1", "tcp"), ("host:2375", "tcp"), ("fd://", "fd")]
)
def test_an_address_tells_how_to_connect(address: str, scheme: str) -> None:
    assert Endpoint(address, "a test").scheme == scheme


@pytest.mark.parametrize(
    ("endpoint", "has_api"),
    [
        (Endpoint("unix:///x", ""), True),
        (Endpoint("ssh://far.example", ""), False),
        (Endpoint("fd://", ""), False),
    ],
)
def test_what_has_no_api_is_left_to_the_command(endpoint: Endpoint, has_api: bool) -> None:
    assert endpoint.has_api is has_api
