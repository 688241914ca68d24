"""Credentials in the files of Docker, Podman and skopeo, and in helpers."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import CredentialsError
from python_docker.registry.access.credentials import Credentials
from python_docker.registry.auth.credential_files import find_credentials, known_registries
from python_docker.spec.docker_hub import DOCKER_HUB, LOGIN_KEY

Write = Callable[..., Path]


def auth(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return variables under which there are no credentials, but a home and a folder for programs."""
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a document to a path below `tmp_path`."""

    def write_file(path: str, document: Any) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return file

    return write_file


@pytest.fixture
def helper(tmp_path: Path, environ: dict[str, str]) -> Callable[[str, str], Path]:
    """Return a function that makes a helper of that name whose body is a shell script; `asked` gets its questions."""

    def make(name: str, script: str) -> Path:
        program = tmp_path / "bin" / f"docker-credential-{name}"
        asked = tmp_path / f"asked-{name}"
        program.write_text(f'#!/bin/sh\nread -r server\necho "$1 $server" >> {asked}\n{script}\n')
        program.chmod(0o755)
        return asked

    return make


def answer(username: str, secret: str) -> str:
    return f"printf '%s' '{json.dumps({'ServerURL': 'x', 'Username': username, 'Secret': secret})}'"


def test_nothing_anywhere(environ: dict[str, str]) -> None:
    assert find_credentials("docker.io", "library/ubuntu", environ) is None


class TestEntries:
    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ({"auth": auth("alice", "secret")}, Credentials("alice", "secret")),
            ({"auth": auth("alice", "se:cr:et")}, Credentials("alice", "se:cr:et")),
            ({"auth": base64.b64encode(b"alice:secret\0\0").decode()}, Credentials("alice", "secret")),
            ({"auth": auth("alice", "pässwörd")}, Credentials("alice", "pässwörd")),
            ({"username": "alice", "password": "secret"}, Credentials("alice", "secret")),
            ({"identitytoken": "abc"}, Credentials(identity_token="abc")),
            ({"auth": auth("u", "p"), "identitytoken": "abc"}, Credentials("u", "p", identity_token="abc")),
            ({"auth": auth("<token>", "abc")}, Credentials(identity_token="abc")),
            ({"registrytoken": "abc"}, Credentials(registry_token="abc")),
            ({}, None),
            ({"auth": ""}, None),
            ({"email": "alice@example.org"}, None),
        ],
    )
    def test_forms(
        self, environ: dict[str, str], write: Write, entry: dict[str, str], expected: Credentials | None
    ) -> None:
        write("home/.docker/config.json", {"auths": {"example.org": entry}})
        assert find_credentials("example.org", "team/app", environ) == expected

    @pytest.mark.parametrize(
        "document",
        [
            "not json",
            "[]",
            {"auths": []},
            {"credHelpers": 5},
            '{"auths": ' + "[" * 100_000,
        ],
    )
    def test_malformed(self, environ: dict[str, str], write: Write, document: Any) -> None:
        file = write("home/.docker/config.json", document)
        with pytest.raises(CredentialsError, match=r"config\.json") as caught:
            find_credentials("example.org", "team/app", environ)
        assert str(file) in str(caught.value)

    @pytest.mark.parametrize(
        "entry",
        [
            "text",
            5,
            [],
            {"auth": 7},
            {"username": "alice", "password": ["secret"]},
            {"auth": "???"},
            {"auth": "YWxpY2U"},
            {"auth": base64.b64encode(b"no colon").decode()},
            {"auth": base64.b64encode(b"\xff:\xff").decode()},
        ],
    )
    def test_a_bad_entry_is_a_warning(
        self, environ: dict[str, str], write: Write, entry: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = write("home/.docker/config.json", {"auths": {"example.org": entry}})
        assert find_credentials("example.org", "team/app", environ) is None
        write("home/.config/containers/auth.json", {"auths": {"example.org": {"auth": auth("alice", "secret")}}})
        assert find_credentials("example.org", "team/app", environ) == Credentials("alice", "secret")
        assert f"{file}: the entry for example.org cannot be used" in caplog.text

    def test_null_entries_say_nothing(
        self, environ: dict[str, str], write: Write, caplog: pytest.LogCaptureFixture
    ) -> None:
        write("home/.docker/config.json", {"auths": {"example.org": None}, "credHelpers": None, "credsStore": None})
        assert find_credentials("example.org", "team/app", environ) is None
        assert caplog.text == ""

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("padding", ["", "="])
    def test_auth_in_lines_and_without_padding(
        self, environ: dict[str, str], write: Write, end: str, padding: str
    ) -> None:
        password = "x" * 101
        text = auth("alice", password).rstrip("=")
        lines = [text[start : start + 76] for start in range(0, len(text), 76)]
        assert len(lines) == 2
        encoded = end.join(lines) + padding * (-len(text) % 4) + end
        write("home/.docker/config.json", {"auths": {"example.org": {"auth": encoded}}})
        assert find_credentials("example.org", "team/app", environ) == Credentials("alice", password)

    @pytest.mark.parametrize("document", ["", "{}", '{"auths": null}', '{"auths": {}}', "\ufeff{}"])
    def test_empty(self, environ: dict[str, str], write: Write, document: str) -> None:
        write("home/.docker/config.json", document)
        assert find_credentials("example.org", "team/app", environ) is None

    def test_entries_for_others_may_be_malformed(self, environ: dict[str, str], write: Write) -> None:
        entries = {"other.example.org": {"auth": "???"}, "example.org": {"auth": auth("alice", "secret")}}
        write("home/.docker/config.json", {"auths": entries})
        assert find_credentials("example.org", "team/app", environ) == Credentials("alice", "secret")

    @given(
        st.text(st.characters(codec="utf-8", exclude_characters=":\0"), min_size=1),
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    )
    def test_any_user_and_password(self, username: str, password: str) -> None:
        document = json.dumps({"auths": {"example.org": {"auth": auth(username, password)}}})
        found = find_credentials("example.org", "", {"DOCKER_AUTH_CONFIG": document, "HOME": "/nonexistent"})
        assert found == Credentials.of_user(username, password)


class TestKeys:
    @pytest.mark.parametrize(
        "key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io", "docker.io/team"]
    )
    def test_docker_hub(self, environ: dict[str, str], write: Write, key: str) -> None:
        write("home/.docker/config.json", {"auths": {key: {"auth": auth("alice", "secret")}}})
        assert find_credentials("docker.io", "team/app", environ) == Credentials("alice", "secret")
        assert find_credentials("example.org", "team/app", environ) is None

    @pytest.mark.parametrize(
        "key",
        [
            *("example.org:5000", "https://example.org:5000", "http://example.org:5000/v1/"),
            *("https://example.org:5000/v2/", "example.org:5000/v2/", "example.org:5000/v1", "example.org:5000/"),
            "Example.org:5000",
        ],
    )
    def test_hosts_and_urls(self, environ: dict[str, str], write: Write, key: str) -> None:
        write("home/.docker/config.json", {"auths": {key: {"auth": auth("alice", "secret")}}})
        assert find_credentials("example.org:5000", "team/app", environ) == Credentials("alice", "secret")
        assert find_credentials("example.org", "team/app", environ) is None
        assert find_credentials("example.org:50001", "team/app", environ) is None

    def test_longest_path_wins(self, environ: dict[str, str], write: Write) -> None:
        keys = ["example.org", "example.org/team", "example.org/team/app"]
        write("home/.docker/config.json", {"auths": {key: {"auth": auth(key, "x")} for key in keys}})
        for path, key in [
            ("other", keys[0]),
            ("team/other", keys[1]),
            ("team/app", keys[2]),
            ("team/app/sub", keys[2]),
        ]:
            assert find_credentials("example.org", path, environ) == Credentials(key, "x")
        assert find_credentials("example.org", "team2", environ) == Credentials("example.org", "x")


class TestPlaces:
    PLACES = (
        ("REGISTRY_AUTH_FILE", "explicit/auth.json", "explicit/auth.json"),
        ("DOCKER_CONFIG", "docker", "docker/config.json"),
        (None, "", "home/.docker/config.json"),
        ("XDG_RUNTIME_DIR", "run", "run/containers/auth.json"),
        ("XDG_CONFIG_HOME", "config", "config/containers/auth.json"),
        (None, "", "home/.config/containers/auth.json"),
    )

    @pytest.mark.parametrize(("variable", "value", "file"), PLACES)
    def test_each(
        self, tmp_path: Path, environ: dict[str, str], write: Write, variable: str | None, value: str, file: str
    ) -> None:
        write(file, {"auths": {"example.org": {"auth": auth("alice", "secret")}}})
        if variable is not None:
            assert find_credentials("example.org", "", environ) is None
            environ[variable] = str(tmp_path / value)
        assert find_credentials("example.org", "", environ) == Credentials("alice", "secret")

    def test_order(self, tmp_path: Path, environ: dict[str, str], write: Write) -> None:
        """Each place wins over those after it, which still count for what it does not have."""
        environ |= {
            variable: str(tmp_path / value)
            for variable, value, _ in self.PLACES
            if variable and variable != "DOCKER_CONFIG"
        }
        files = [
            "explicit/auth.json",
            "home/.docker/config.json",
            "run/containers/auth.json",
            "config/containers/auth.json",
        ]
        for file in reversed(files):
            write(
                file,
                {"auths": {"example.org": {"auth": auth(file, "x")}, f"{file[:3]}.org": {"auth": auth("own", "x")}}},
            )
            assert find_credentials("example.org", "", environ) == Credentials(file, "x")
        for file in files:
            assert find_credentials(f"{file[:3]}.org", "", environ) == Credentials("own", "x")

    def test_dockercfg(self, environ: dict[str, str], write: Write) -> None:
        write("home/.dockercfg", {"example.org": {"auth": auth("alice", "secret"), "email": "a@example.org"}})
        assert find_credentials("example.org", "", environ) == Credentials("alice", "secret")

    def test_inline(self, environ: dict[str, str], write: Write) -> None:
        write("home/.docker/config.json", {"auths": {"example.org": {"auth": auth("file", "x")}}})
        environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"example.org": {"auth": auth("inline", "x")}}})
        assert find_credentials("example.org", "", environ) == Credentials("inline", "x")
        environ["DOCKER_AUTH_CONFIG"] = "{"
        with pytest.raises(CredentialsError, match="DOCKER_AUTH_CONFIG"):
            find_credentials("example.org", "", environ)

    def test_unreadable(self, tmp_path: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "home" / ".docker").mkdir(parents=True)
        (tmp_path / "home" / ".docker" / "config.json").symlink_to("config.json")
        assert find_credentials("example.org", "", environ) is None
        assert "cannot be read" in caplog.text

    def test_only_regular_files_are_read(
        self, tmp_path: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "home" / ".docker").mkdir(parents=True)
        os.mkfifo(tmp_path / "home" / ".docker" / "config.json")
        assert find_credentials("example.org", "", environ) is None
        assert "not a regular file" in caplog.text

    def test_the_place_is_known(self, environ: dict[str, str], write: Write) -> None:
        file = write("home/.docker/config.json", {"auths": {"example.org": {"auth": auth("alice", "secret")}}})
        found = find_credentials("example.org", "", environ)
        assert found is not None
        assert found.place == str(file)


class TestHelpers:
    def test_for_a_host(self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]) -> None:
        asked = helper("mine", answer("alice", "secret"))
        write("home/.docker/config.json", {"credHelpers": {"example.org": "mine"}})
        assert find_credentials("example.org", "team/app", environ) == Credentials("alice", "secret")
        assert asked.read_text() == "get example.org\n"
        assert find_credentials("other.example.org", "team/app", environ) is None

    @pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
    def test_for_docker_hub(
        self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path], key: str
    ) -> None:
        asked = helper("mine", answer("alice", "secret"))
        write("home/.docker/config.json", {"credHelpers": {key: "mine"}})
        assert find_credentials("docker.io", "library/ubuntu", environ) == Credentials("alice", "secret")
        assert asked.read_text() == "get https://index.docker.io/v1/\n"

    def test_for_all(self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]) -> None:
        helper("store", answer("alice", "secret"))
        # Docker leaves empty entries behind for the hosts that are in the store.
        write("home/.docker/config.json", {"credsStore": "store", "auths": {"example.org": {}}})
        assert find_credentials("example.org", "team/app", environ) == Credentials("alice", "secret")

    def test_order(self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]) -> None:
        helper("one", answer("one", "x"))
        helper("all", answer("all", "x"))
        document = {
            "credHelpers": {"example.org": "one"},
            "credsStore": "all",
            "auths": {"example.org": {"auth": auth("file", "x")}},
        }
        for missing, expected in [("", "one"), ("credHelpers", "all"), ("credsStore", "file")]:
            document.pop(missing, None)
            write("home/.docker/config.json", document)
            assert find_credentials("example.org", "", environ) == Credentials(expected, "x")

    def test_each_name_of_docker_hub_is_asked_for(
        self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]
    ) -> None:
        helper("none", "echo credentials not found in native keychain; exit 1")
        helper("mine", answer("alice", "secret"))
        write("home/.docker/config.json", {"credHelpers": {LOGIN_KEY: "none", DOCKER_HUB: "mine"}})
        assert find_credentials(DOCKER_HUB, "library/debian", environ) == Credentials("alice", "secret")

    def test_identity_token(self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]) -> None:
        helper("mine", answer("<token>", "abc"))
        write("home/.docker/config.json", {"credsStore": "mine"})
        assert find_credentials("example.org", "", environ) == Credentials(identity_token="abc")

    def test_not_found_is_no_error(
        self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path]
    ) -> None:
        helper("mine", "echo credentials not found in native keychain; exit 1")
        write(
            "home/.docker/config.json",
            {"credsStore": "mine", "auths": {"example.org": {"auth": auth("file", "x")}}},
        )
        assert find_credentials("example.org", "", environ) == Credentials("file", "x")
        assert find_credentials("other.example.org", "", environ) is None

    @pytest.mark.parametrize(
        ("script", "message"),
        [
            ("echo the keychain is locked; exit 1", "the keychain is locked"),
            ("exit 1", "did not say why"),
            ('echo \'{"Secret": "s3cret"}\'; exit 1', "did not say why"),
            ("echo s3cret", "did not answer with credentials"),
            ('echo \'{"Secret": "s3cret"}\'', "did not answer with credentials"),
            ('echo \'{"Username": 5, "Secret": "s3cret"}\'', "did not answer with credentials"),
            ("echo '[]'", "did not answer with credentials"),
        ],
    )
    def test_failing(
        self, environ: dict[str, str], write: Write, helper: Callable[[str, str], Path], script: str, message: str
    ) -> None:
        helper("mine", script)
        write("home/.docker/config.json", {"credsStore": "mine"})
        with pytest.raises(CredentialsError, match=message) as caught:
            find_credentials("example.org", "", environ)
        assert "docker-credential-mine" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_missing_program_of_a_host(self, environ: dict[str, str], write: Write) -> None:
        write("home/.docker/config.json", {"credHelpers": {"example.org": "gone"}})
        with pytest.raises(CredentialsError, match="docker-credential-gone, which is not on PATH"):
            find_credentials("example.org", "", environ)

    def test_missing_program_for_all(
        self, environ: dict[str, str], write: Write, caplog: pytest.LogCaptureFixture
    ) -> None:
        write("home/.docker/config.json", {"credsStore": "desktop"})
        with caplog.at_level(logging.WARNING):
            assert find_credentials("example.org", "", environ) is None
        assert "docker-credential-desktop" in caplog.text

    @pytest.mark.parametrize("name", ["../evil", "a b", "-x", "a/b"])
    def test_odd_names_are_not_run(self, environ: dict[str, str], write: Write, name: str) -> None:
        write("home/.docker/config.json", {"credsStore": name})
        with pytest.raises(CredentialsError, match="not the name"):
            find_credentials("example.org", "", environ)


def test_registries_that_files_name_are_known(environ: dict[str, str], write: Write) -> None:
    auths: dict[str, Any] = {"https://index.docker.io/v1/": {}, "ghcr.io/org": {}, "localhost:5000": {}}
    write("home/.docker/config.json", {"auths": auths, "credHelpers": {"registry.example.com": "pass"}})
    assert known_registries(environ) == ["registry.example.com", "docker.io", "ghcr.io", "localhost:5000"]
