"""Each way of connecting to an engine, to a real one where there is one."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from python_docker.docker.api import EngineApi
from python_docker.docker.endpoint import Endpoint, Tls
from python_docker.errors import EngineError, EngineNotFound
from tests.peers import DockerEngine
from tests.python_docker.docker.fake_engine import FakeEngine


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
                try:  # what was never asked anything may be taken when the test, and its engine, are over
                    server.connect(str(engine.socket))
                    server.sendall(client.recv(1 << 16))
                    while data := server.recv(1 << 16):
                        client.sendall(data)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(120)


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for localhost that is its own authority, and return a server's context with it."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def test_tcp(fake_engine: FakeEngine) -> None:
    with forwarding(fake_engine) as port:
        assert EngineApi(Endpoint(f"tcp://127.0.0.1:{port}", "a test")).version == "1.41"


def test_tcp_without_a_scheme_and_with_a_prefix(fake_engine: FakeEngine) -> None:
    fake_engine.answers["GET /engines/1/version"] = fake_engine.answers["GET /version"]
    with forwarding(fake_engine) as port:
        EngineApi(Endpoint(f"127.0.0.1:{port}/engines/1/", "a test"))
    assert fake_engine.asked() == ["GET /engines/1/version"]


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


def test_certificates_that_are_none(fake_engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with forwarding(fake_engine) as port, pytest.raises(EngineError, match=r"no engine at tcp://localhost:\d+"):
        EngineApi(Endpoint(f"tcp://localhost:{port}", "a test", Tls(authority=tmp_path / "ca.pem")))
    assert fake_engine.requests == []


def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(EngineError, match=r"cannot talk to tcp://localhost:99999 \(a test\)"):
        EngineApi(Endpoint("tcp://localhost:99999", "a test"))


def test_settings_that_are_a_pipe_are_not_waited_for(fake_engine: FakeEngine, tmp_path: Path) -> None:
    """The SDK would open them, whatever they are."""
    (tmp_path / "home" / ".docker").mkdir(parents=True)
    os.mkfifo(tmp_path / "home" / ".docker" / "config.json")
    with pytest.raises(EngineError, match=r"config\.json: not a regular file"):
        EngineApi(Endpoint(fake_engine.host, "a test"))


@pytest.mark.parametrize(
    "content", ["[]", '{"auths": 5}', '{"auths": {"x": {"auth": 5}}}', '{"proxies": []}', "5", "["]
)
def test_odd_settings_end_in_an_engine_error_or_in_nothing(
    fake_engine: FakeEngine, tmp_path: Path, content: str
) -> None:
    (tmp_path / "home" / ".docker").mkdir(parents=True)
    (tmp_path / "home" / ".docker" / "config.json").write_text(content)
    with suppress(EngineError):
        EngineApi(Endpoint(fake_engine.host, "a test"))
