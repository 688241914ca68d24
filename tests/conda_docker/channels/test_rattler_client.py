"""The client with which rattler reads channels."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from rattler import Config
from rattler.networking import Client

from conda_docker.channels.rattler_client import rattler_client
from conda_docker.errors import InvalidEnvironment


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs in folders")
@pytest.mark.parametrize("variable", ["NETRC", "RATTLER_AUTH_FILE"])
def test_a_fifo_with_credentials_is_not_waited_for(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv(variable, str(tmp_path / "fifo"))
    with pytest.raises(InvalidEnvironment, match="fifo: not a regular file"):
        rattler_client(Config())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such accounts")
@pytest.mark.parametrize("home", [None, ""])
def test_a_user_whom_nobody_knows_needs_no_home(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    monkeypatch.setattr(pwd, "getpwuid", lambda number: {}[number])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    seen: list[str] = []
    monkeypatch.setattr(Client, "from_config", lambda *_, **__: seen.append(os.environ["HOME"]))
    rattler_client(Config())
    assert seen == [str(tmp_path / f"conda-docker-{os.getuid()}")]
    assert os.environ.get("HOME") == home
