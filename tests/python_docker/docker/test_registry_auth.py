"""Credentials of a registry are lent to an engine that pushes."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from python_docker.errors import EngineError
from python_docker.spec.reference import ImageReference
from tests.python_docker.docker.calling import api
from tests.python_docker.docker.fake_engine import FakeEngine, chunked_answer, http_answer


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
