"""The client with which rattler reads channels."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from rattler import Config

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
