"""Checks of registries."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from conda_docker.doctor import registries
from conda_docker.doctor.check import Check, Status
from tests.peers import Registry


@pytest.fixture(autouse=True)
def hub(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have names without a host in the tests' registry."""
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", registry.url)


def checks(*named: str) -> dict[str, Check]:
    return {check.subject: check for check in registries.check_registries(named)}


def test_the_default_registry_and_the_clock_are_always_examined(home: Path, registry: Registry) -> None:
    found = checks()
    assert list(found) == [f"registry {registry.host}", "clock"]
    assert {check.status for check in found.values()} == {Status.OK}


def test_registries_with_credentials_are_examined_and_no_secret_is_shown(home: Path, registry: Registry) -> None:
    (home / ".docker").mkdir()
    config = {"auths": {registry.host: {"auth": "YWxpY2U6dG9wc2VjcmV0"}}}
    (home / ".docker" / "config.json").write_text(json.dumps(config))
    found = checks()
    assert "logged in by" in found[f"registry {registry.host}"].found
    assert "topsecret" not in str(found)
    assert "alice" not in str(found)


def test_a_registry_that_is_not_there_is_an_error(home: Path) -> None:
    assert checks("127.0.0.1:9")["registry 127.0.0.1:9"].status is Status.ERROR


def test_the_default_registry_is_not_needed_where_another_is_named(
    home: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", "http://127.0.0.1:9")
    assert checks()["registry 127.0.0.1:9"].status is Status.ERROR
    found = checks(registry.host)
    assert found[f"registry {registry.host}"].status is Status.OK
    assert found["registry 127.0.0.1:9"].status is Status.WARNING
    assert checks(registry.host, "127.0.0.1:9")["registry 127.0.0.1:9"].status is Status.ERROR


def test_broken_credentials_are_an_error(home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text("{")
    assert checks()["credentials of registries"].status is Status.ERROR


@pytest.mark.parametrize(("seconds", "words"), [(1000, "ahead of"), (-1000, "behind")])
def test_a_wrong_clock_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, words: str) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    found = checks()["clock"]
    assert found.status is Status.ERROR
    assert f" s {words} the registry's" in found.found


@pytest.mark.parametrize(
    "named", ["https://me:hunter2@h:99999/x", "ftp://me:hunter2@h", "me:hunter2@h", "//me:hunter2@h/x"]
)
def test_a_password_in_the_name_of_a_registry_is_not_repeated(named: str) -> None:
    check = next(iter(registries.check_registries([named])))
    assert check.status is Status.ERROR
    assert "hunter2" not in repr(check)
