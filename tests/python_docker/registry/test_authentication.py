"""Logging in to Debian's docker-registry: nobody, a user and password, and tokens of a token server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker import copy_image
from python_docker.errors import AccessDenied, RegistryError
from python_docker.registry import Registry, RegistryOptions
from tests import peers
from tests.python_docker.registry.contents import small_image
from tests.python_docker.registry.token_server import ANYBODY, TokenServer

Start = Callable[..., peers.Registry]
ALICE = ("alice", "wonder:land")


@pytest.fixture
def protected(start_registry: Start) -> peers.Registry:
    """Return a registry that wants alice's password."""
    return start_registry(htpasswd=dict([ALICE]))


@pytest.fixture
def token_registry(start_registry: Start, token_server: TokenServer) -> peers.Registry:
    """Return a registry that wants tokens of the token server."""
    return start_registry(token=token_server.auth)


class TestBasic:
    def test_credentials_of_arguments(self, protected: peers.Registry) -> None:
        ours = Registry(protected.url, *ALICE)
        ours.push_image(small_image("team/app"))
        assert len(ours.pull_image("team/app", "v1").layers) == 3
        assert ours.list_images() == ["team/app"]
        assert ours.list_image_tags("team/app") == ["v1"]
        ours.delete_image("team/app", "v1")

    def test_without_credentials(self, protected: peers.Registry) -> None:
        with pytest.raises(AccessDenied, match="docker login") as caught:
            Registry(protected.url).pull_image("team/app")
        assert caught.value.status == 401
        assert "UNAUTHORIZED" in caught.value.codes

    def test_wrong_password(self, protected: peers.Registry) -> None:
        ours = Registry(protected.url, "alice", "wonder-land-2")
        with pytest.raises(ValueError) as caught:
            ours.authenticate()
        assert isinstance(caught.value, AccessDenied)
        assert "the user name or the password was refused" in str(caught.value)
        assert "wonder-land-2" not in str(caught.value)
        with pytest.raises(AccessDenied):
            ours.push_image(small_image("team/app"))

    def test_authenticate(self, protected: peers.Registry) -> None:
        Registry(protected.url, *ALICE).authenticate()
        Registry(protected.url, *ALICE).authenticate("team/app", "pull,push")

    def test_credentials_of_the_environment(self, protected: peers.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", protected.url)
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_USERNAME", ALICE[0])
        monkeypatch.setenv("CONDA_DOCKER_REGISTRY_PASSWORD", ALICE[1])
        Registry(protected.url).push_image(small_image("team/app"))
        copy_image("docker://team/app:v1", f"docker://{protected.host}/team/other:v1")
        assert Registry(protected.url).list_images() == ["team/app", "team/other"]

    def test_a_wrong_password_of_a_file_is_told_with_its_place(
        self, protected: peers.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (config := tmp_path / "config.json").write_text(
            json.dumps({"auths": {protected.host: {"username": "alice", "password": "wonder-land-2"}}})
        )
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        with pytest.raises(AccessDenied, match=r"password .* was refused") as caught:
            Registry(protected.url).push_image(small_image("team/app"))
        assert f"(from {config})" in str(caught.value)
        assert "wonder-land-2" not in str(caught.value)

    def test_credentials_of_docker_login(self, protected: peers.Registry, docker_login: Callable[..., None]) -> None:
        docker_login(protected.host, *ALICE)
        Registry(protected.url).push_image(small_image("team/app"))

    def test_credentials_of_skopeo_login(
        self, protected: peers.Registry, skopeo: peers.Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        auth_file = tmp_path / "skopeo-auth.json"
        login = ("login", "--authfile", auth_file, "--username", ALICE[0], "--password", ALICE[1])
        skopeo(*login, protected.host)
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(auth_file))
        Registry(protected.url).push_image(small_image("team/app"))

    def test_arguments_win_over_files(self, protected: peers.Registry, docker_login: Callable[..., None]) -> None:
        docker_login(protected.host, *ALICE)
        with pytest.raises(AccessDenied):
            Registry(protected.url, "alice", "other").list_images()

    def test_files_can_be_left_alone(self, protected: peers.Registry, docker_login: Callable[..., None]) -> None:
        docker_login(protected.host, *ALICE)
        with pytest.raises(AccessDenied):
            Registry(protected.url, options=RegistryOptions(use_credential_files=False)).list_images()


@pytest.fixture
def docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that writes what `docker login HOST` writes."""
    import base64

    def login(host: str, username: str, password: str) -> None:
        auth = base64.b64encode(f"{username}:{password}".encode()).decode()
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    return login


class TestToken:
    def test_push_pull_list_delete(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        ours = Registry(token_registry.url, *ALICE)
        ours.push_image(small_image("team/app"))
        assert len(ours.pull_image("team/app", "v1").layers) == 3
        assert ours.list_image_tags("team/app") == ["v1"]
        assert ours.list_images() == ["team/app"]
        ours.delete_image("team/app", "v1")
        # One each to push and pull (what that allows is enough to pull), to list repositories, and to delete.
        assert len(token_server.given) == 3

    def test_a_token_serves_many_requests(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        ours = Registry(token_registry.url, *ALICE)
        for number in range(3):
            ours.push_image(small_image("team/app", f"v{number}", seed=number))
        assert len(token_server.given) == 1

    def test_mount_asks_for_both_repositories(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        ours = Registry(token_registry.url, *ALICE)
        ours.push_image(small_image("team/app"))
        image = ours.pull_image("team/app", "v1", lazy=True)
        image.name = "team/other"
        before = len(token_registry.requests())
        ours.push_image(image)
        requests = token_registry.requests(since=before)
        assert [request.status for request in requests if request.method == "POST"] == [201] * 4
        assert not [request for request in requests if request.method == "PUT" and "blobs" in request.path]
        assert "scope=repository%3Ateam%2Fother%3Apull%2Cpush&scope=repository%3Ateam%2Fapp%3Apull" in (
            token_server.asked("GET")[-1].raw_query
        )

    def test_query_of_the_realm_and_odd_service(
        self, token_registry: peers.Registry, token_server: TokenServer
    ) -> None:
        Registry(token_registry.url, *ALICE).push_image(small_image("team/app"))
        asked = token_server.asked("GET")[0]
        assert (asked.query["from"], asked.query["service"]) == ("realm", "tests, and more")

    def test_anybody_may_pull(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        token_server.rights[ANYBODY] = "pull"
        Registry(token_registry.url, *ALICE).push_image(small_image("team/app"))
        nobody = Registry(token_registry.url)
        assert len(nobody.pull_image("team/app", "v1").layers) == 3
        assert "authorization" not in token_server.asked("GET")[-1].headers
        with pytest.raises(AccessDenied, match="docker login"):
            nobody.push_image(small_image("team/app", "v2", seed=2))

    def test_wrong_password(self, token_registry: peers.Registry) -> None:
        with pytest.raises(AccessDenied, match="cannot log in: the user name or the password was refused") as caught:
            Registry(token_registry.url, "alice", "not-hers").pull_image("team/app")
        assert "not-hers" not in str(caught.value)

    def test_too_little(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        token_server.rights["alice"] = "pull"
        ours = Registry(token_registry.url, *ALICE)
        with pytest.raises(AccessDenied) as caught:
            ours.push_image(small_image("team/app"))
        assert caught.value.status == 401

    @pytest.mark.parametrize("key", ["token", "access_token"])
    def test_names_of_a_token(self, token_registry: peers.Registry, token_server: TokenServer, key: str) -> None:
        token_server.key_name = key
        Registry(token_registry.url, *ALICE).authenticate("team/app")
        assert len(token_server.given) == 1

    def test_given_token(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        Registry(token_registry.url, *ALICE).push_image(small_image("team/app"))
        options = RegistryOptions(token=token_server.given[-1])
        given = len(token_server.given)
        assert Registry(token_registry.url, options=options).list_image_tags("team/app") == ["v1"]
        assert len(token_server.given) == given

    def test_identity_token(
        self, token_registry: peers.Registry, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token_server.refresh_tokens["refresh-me"] = "alice"
        auths = {token_registry.host: {"auth": "MDAwMDAwMDAtMDAwMDow", "identitytoken": "refresh-me"}}
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": auths}))
        Registry(token_registry.url).push_image(small_image("team/app"))
        assert {asked.method for asked in token_server.requests} == {"POST"}
        assert "scope=repository%3Ateam%2Fapp%3Apull%2Cpush" in token_server.requests[0].body.decode()

    def test_user_as_token(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        # So credential helpers and some registries' instructions name an identity token.
        token_server.refresh_tokens["refresh-me"] = "alice"
        Registry(token_registry.url, "<token>", "refresh-me").push_image(small_image("team/app"))

    def test_server_without_get(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        token_server.get = False
        Registry(token_registry.url, *ALICE).push_image(small_image("team/app"))
        assert "grant_type=password" in token_server.asked("POST")[0].body.decode()

    def test_identity_token_where_there_is_no_post(
        self, token_registry: peers.Registry, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token_server.post = False
        entry = {"username": ALICE[0], "password": ALICE[1], "identitytoken": "refresh-me"}
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {token_registry.host: entry}}))
        Registry(token_registry.url).push_image(small_image("team/app"))


class TestExpiry:
    @pytest.fixture(autouse=True)
    def expiring(self, token_server: TokenServer) -> None:
        # The registry takes tokens for up to a minute longer than they say.
        token_server.lifetime = -58.5
        token_server.told = 300

    def test_token_that_expires_during_a_pull(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        ours = Registry(token_registry.url, *ALICE)
        token_server.lifetime = 300
        ours.push_image(small_image("team/app"))
        token_server.lifetime = -58.5
        ours = Registry(token_registry.url, *ALICE)
        image = ours.pull_image("team/app", "v1", lazy=True)
        given = len(token_server.given)
        time.sleep(2)
        token_server.lifetime = 300
        assert len(image.layers[0].list_files()) == 1
        assert len(token_server.given) == given + 1

    def test_token_that_expires_during_a_push(self, token_registry: peers.Registry, token_server: TokenServer) -> None:
        ours = Registry(token_registry.url, *ALICE)
        ours.push_image(small_image("team/app"))
        given = len(token_server.given)
        time.sleep(2)
        token_server.lifetime = 300
        image = small_image("team/app", "v2", seed=2)
        ours.push_image(image)
        # However many requests found it expired at once.
        assert len(token_server.given) == given + 1
        assert ours.get_manifest_digest("team/app", "v2") == image.digest


def test_token_of_a_minute_is_not_asked_for_anew(token_registry: peers.Registry, token_server: TokenServer) -> None:
    # What is said of less than a minute is not believed, as all clients do.
    token_server.told = 1
    ours = Registry(token_registry.url, *ALICE)
    ours.push_image(small_image("team/app"))
    assert len(token_server.given) == 1


def test_repositories_with_credentials_of_their_own(
    token_registry: peers.Registry, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token_server.users = {"alice": "wonder:land", "bob": "builder"}
    token_server.rights["bob"] = "pull"
    auths = {
        f"{token_registry.host}/team": {"username": "alice", "password": "wonder:land"},
        token_registry.host: {"username": "bob", "password": "builder"},
    }
    auth_file = tmp_path / "auth.json"
    auth_file.write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", os.fspath(auth_file))
    ours = Registry(token_registry.url)
    ours.push_image(small_image("team/app"))
    with pytest.raises(AccessDenied):
        ours.push_image(small_image("other/app"))


def test_loops_end(token_registry: peers.Registry, token_server: TokenServer, options: RegistryOptions) -> None:
    # A token that the registry never takes.
    token_server.lifetime = -3600
    with pytest.raises(AccessDenied):
        Registry(token_registry.url, *ALICE, options=options).pull_image("team/app")
    assert len(token_server.given) == 2


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"token": 5}', b'{"token": "a b"}', b'{"token": ""}'])
def test_answers_without_a_token(
    start_registry: Start, token_server: TokenServer, options: RegistryOptions, body: bytes
) -> None:
    from tests.python_docker.registry.stub_server import Answer

    registry = start_registry(token=token_server.auth)
    token_server.answer = lambda asked: Answer(200, body)
    with pytest.raises(RegistryError, match="answered without a token"):
        Registry(registry.url, *ALICE, options=options).pull_image("team/app")
