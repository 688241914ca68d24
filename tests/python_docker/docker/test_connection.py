"""Each way of connecting to an engine, to a real one where there is one."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from python_docker.docker.api import EngineApi
from python_docker.docker.connection import ssh_command
from python_docker.docker.endpoint import Endpoint, Tls
from python_docker.errors import EngineError, EngineNotFound
from tests.images import layer_tar, write_docker_archive
from tests.peers import DockerEngine
from tests.python_docker.docker.fake_engine import FakeEngine, http_answer


@contextmanager
def forwarding(engine: FakeEngine | DockerEngine, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a port of this machine that leads to an engine's socket, through TLS if there is a context for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=forward, args=(accepted,), daemon=True).start()

        def forward(accepted: socket.socket) -> None:
            try:
                client = context.wrap_socket(accepted, server_side=True) if context else accepted
            except OSError:
                accepted.close()
                return
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(engine.socket))
                server.sendall(client.recv(1 << 16))
                try:
                    while data := server.recv(1 << 16):
                        client.sendall(data)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for localhost that is its own authority, and return a server's context with it."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def write_program(path: Path, *lines: str) -> None:
    """Write a shell script that can be run."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def test_tcp(fake_engine: FakeEngine) -> None:
    with forwarding(fake_engine) as port:
        assert EngineApi(Endpoint(f"tcp://127.0.0.1:{port}", "a test")).version == "1.41"
    assert fake_engine.requests[0].headers["host"] == "127.0.0.1"


def test_tcp_without_a_scheme_and_with_a_prefix(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /engines/1/_ping"] = [http_answer(b"OK", headers={"Api-Version": "1.41"})]
    with forwarding(fake_engine) as port:
        EngineApi(Endpoint(f"127.0.0.1:{port}/engines/1/", "a test"))
    assert fake_engine.asked() == ["GET /engines/1/_ping"]


def test_nothing_listens_on_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EngineNotFound, match="nothing listens there"):
        EngineApi(Endpoint(f"tcp://127.0.0.1:{port}", "a test"))


def test_tls_with_its_own_authority(fake_engine: FakeEngine, tmp_path: Path) -> None:
    with forwarding(fake_engine, certificate(tmp_path)) as port:
        tls = Tls(authority=tmp_path / "ca.pem")
        assert EngineApi(Endpoint(f"tcp://localhost:{port}", "a test", tls)).version == "1.41"


def test_tls_of_a_stranger_is_refused(fake_engine: FakeEngine, tmp_path: Path) -> None:
    with (
        forwarding(fake_engine, certificate(tmp_path)) as port,
        pytest.raises(EngineError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        EngineApi(Endpoint(f"tcp://localhost:{port}", "a test", Tls()))
    assert fake_engine.requests == []


def test_tls_without_verification(fake_engine: FakeEngine, tmp_path: Path) -> None:
    with forwarding(fake_engine, certificate(tmp_path)) as port:
        assert EngineApi(Endpoint(f"https://localhost:{port}", "a test", Tls(verify=False))).version == "1.41"


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(EngineError, match="cannot use the certificates"):
        EngineApi(Endpoint("tcp://localhost:1", "a test", Tls(authority=tmp_path / "ca.pem")))


def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(EngineError, match=r"cannot talk to tcp://localhost:99999 \(a test\)"):
        EngineApi(Endpoint("tcp://localhost:99999", "a test"))


def test_ssh(docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `ssh` that has a shell of this very machine run what it is told stands in for another machine."""
    write_program(tmp_path / "ssh", f'echo "$@" > {tmp_path}/told', 'while [ "$1" != -- ]; do shift; done', "shift 2")
    with (tmp_path / "ssh").open("a") as script:
        script.write('exec sh -c "$*"\n')
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), str(docker_engine.docker.path.parent), os.defpath]))
    engine = EngineApi(Endpoint(f"ssh://me@far.example:2222{docker_engine.socket}", "a test"))
    write_docker_archive(tmp_path / "x.tar", [layer_tar({"etc/unique": b"ssh" * 1_000_000})], tags=["ssh-hello:v1"])
    loading = engine.loading()
    loading.write((tmp_path / "x.tar").read_bytes())
    loading.commit()
    assert loading.loaded == ["ssh-hello:v1"]
    assert "-l me -p 2222 -- far.example docker --host unix://" in (tmp_path / "told").read_text()


def test_ssh_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "ssh", "exit 255")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EngineError, match="the connection was cut"):
        EngineApi(Endpoint("ssh://far.example", "a test"))


def test_no_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineNotFound, match="no engine at ssh://far"):
        EngineApi(Endpoint("ssh://far.example", "a test"))


def test_what_the_other_machines_shell_reads_is_quoted() -> None:
    command = ssh_command(urlsplit("ssh://far.example/run/my docker;reboot.sock"))
    assert command[-5:] == ["docker", "--host", "'unix:///run/my docker;reboot.sock'", "system", "dial-stdio"]


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal stands in for a pipe of Windows")
def test_a_named_pipe() -> None:
    """A file to read from and write to at once: a pipe on Windows, one end of a terminal here."""
    server, client = os.openpty()
    tty.setraw(client)

    def serve() -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += os.read(server, 4096)
        os.write(server, http_answer(b"OK", headers={"Api-Version": "1.41"}))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        engine = EngineApi(Endpoint(f"npipe://{os.ttyname(client)}", "a test"))
        assert engine.version == "1.41"
    finally:
        thread.join(10)
        os.close(client)
        os.close(server)
