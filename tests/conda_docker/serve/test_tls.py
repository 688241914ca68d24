"""A server that serves HTTPS itself, without a proxy in front."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.serve.running import RunningServer, run_server
from tests.peers import Program
from tests.python_docker.registry.certificates import Certified, self_signed


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    """Return a certificate of this machine's."""
    return self_signed(tmp_path / "tls")


@pytest.fixture
def server(certified: Certified, synthetic_channel: SyntheticChannel, tmp_path: Path) -> Iterator[RunningServer]:
    """Return a server of one package with that certificate."""
    synthetic_channel.add(SyntheticPackage(name="tool", files={"bin/tool": b"tool"}))
    (tmp_path / "server").mkdir()
    values = {"base": "scratch", "channels": [synthetic_channel.url], "platforms": ["linux/amd64"]}
    options = ("--tls-cert", certified.certificate, "--tls-key", certified.key_file)
    running = run_server(tmp_path / "server", values, options=options)
    yield running
    running.kill()


def test_images_are_pulled_over_https(
    server: RunningServer, certified: Certified, skopeo: Program, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context(cafile=certified.certificate)
    with urllib.request.urlopen(f"https://{server.host}/healthz", context=trusting, timeout=60) as answer:
        assert answer.status == 200
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "ca.crt").write_bytes(certified.certificate.read_bytes())
    skopeo("copy", f"--src-cert-dir={tmp_path / 'trusted'}", f"docker://{server.host}/tool", f"dir:{tmp_path / 'tool'}")


def test_nothing_is_said_without_tls(server: RunningServer) -> None:
    with pytest.raises(OSError, match=r"closed|reset|BadStatusLine"):
        urllib.request.urlopen(f"http://{server.host}/healthz", timeout=60)


@pytest.mark.parametrize("broken", ["--tls-cert", "--tls-key"])
def test_a_certificate_that_is_a_pipe_is_not_waited_for(certified: Certified, tmp_path: Path, broken: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = {"--tls-cert": certified.certificate, "--tls-key": certified.key_file, broken: tmp_path / "pipe"}
    options = [str(word) for pair in files.items() for word in pair]
    command = [sys.executable, "-m", "conda_docker", "serve", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7
    assert done.stderr == f"error: cannot read {tmp_path}/pipe: not a regular file\n"


def test_a_certificate_that_is_not_there(certified: Certified) -> None:
    options = ["--tls-cert", "missing.pem", "--tls-key", str(certified.key_file)]
    command = [sys.executable, "-m", "conda_docker", "serve", "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (4, "error: cannot read missing.pem: No such file or directory\n")
