"""Checks of channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.doctor import channels
from conda_docker.doctor.check import Check, Status
from tests.conda_docker.channel_server import Answer, ChannelServer

Serve = Callable[..., ChannelServer]


def check(*named: str) -> Check:
    """Return the check of the first channel that is named."""
    return next(check for check in channels.check_channels(named) if check.subject.startswith("channel"))


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """Return a channel whose index is large enough to measure with."""
    (home / ".condarc").write_text("channels: [nodefaults]")
    (tmp_path / "channel" / "noarch").mkdir(parents=True)
    (tmp_path / "channel" / "noarch" / "repodata.json.zst").write_bytes(bytes(1 << 20))
    return tmp_path / "channel"


def test_a_channel_that_answers_is_measured(folder: Path, serve: Serve) -> None:
    server = serve(folder)
    found = check(server.url)
    assert found.status is Status.OK
    assert "B/s" in found.found
    assert "without credentials" in found.found


def test_a_slow_channel_is_a_warning(folder: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_SLOW", 1 << 60)
    assert check(serve(folder).url).status is Status.WARNING


def test_a_channel_that_refuses_access_is_an_error_with_advice(folder: Path, serve: Serve) -> None:
    found = check(serve(folder, credentials=("alice", "secret")).url)
    assert found.status is Status.ERROR
    assert "log in" in (found.advice or "")


def test_a_token_is_used_and_not_shown(folder: Path, serve: Serve) -> None:
    server = serve(folder, token="topsecret")
    found = check(f"{server.url}/t/topsecret")
    assert found.status is Status.OK
    assert "topsecret" not in str(found)


def test_a_failing_server_is_an_error(folder: Path, serve: Serve) -> None:
    server = serve(folder, answers={"repodata.json.zst": Answer(status=500, body=b"")})
    assert check(server.url) == Check(f"channel {server.url}", Status.ERROR, "answers with HTTP 500")


def test_a_server_that_is_not_there_is_an_error(folder: Path) -> None:
    found = check("http://127.0.0.1:9/channel")
    assert found.status is Status.ERROR
    assert found.advice


def test_folders_are_looked_at(folder: Path, tmp_path: Path) -> None:
    assert check(folder.as_uri()).status is Status.OK
    assert check((tmp_path / "missing").as_uri()).status is Status.ERROR


def test_a_broken_configuration_is_an_error(home: Path) -> None:
    (home / ".condarc").write_text("channels: {")
    [found] = channels.check_channels()
    assert found.status is Status.ERROR
    assert ".condarc" in found.found
