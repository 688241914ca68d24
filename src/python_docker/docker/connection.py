"""One HTTP connection to an engine, over a Unix socket, TCP, a Windows named pipe, or ssh."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO, cast
from urllib.parse import SplitResult, urlsplit

from python_docker.docker.endpoint import SCHEMES, Endpoint, Tls
from python_docker.errors import EngineError

CONNECT_TIMEOUT = 15.0
"""Seconds until an engine has taken the connection; ssh may ask the user for a password, and has its own."""

_PIPE_BUSY = 231


def open_connection(endpoint: Endpoint, timeout: float | None) -> tuple[http.client.HTTPConnection, str]:
    """A connection to an endpoint, made when it is first used, and what comes before every path on it.

    `timeout` is how many seconds the engine may be silent. Raises `EngineError` for an address of no known form.
    """
    if endpoint.scheme not in SCHEMES:
        raise EngineError(f"cannot talk to {endpoint}: an address begins with one of {', '.join(SCHEMES)}")
    if endpoint.scheme == "unix":
        return _Connection(lambda: _unix_socket(endpoint.path), timeout), ""
    if endpoint.scheme == "npipe":
        return _Connection(lambda: cast("socket.socket", _NamedPipe(endpoint.path.replace("/", os.sep))), timeout), ""
    url = _split(endpoint)
    if endpoint.scheme == "ssh":
        return _Connection(lambda: _ssh_socket(url), timeout), ""
    host, prefix = url.hostname or "localhost", url.path.rstrip("/")
    if endpoint.tls is None and endpoint.scheme != "https":
        return _Connection(lambda: _tcp_socket(host, url.port or 2375), timeout, host), prefix
    context = _tls_context(endpoint.tls or Tls())
    return (
        _Connection(
            lambda: context.wrap_socket(_tcp_socket(host, url.port or 2376), server_hostname=host), timeout, host
        ),
        prefix,
    )


def _split(endpoint: Endpoint) -> SplitResult:
    address = endpoint.address if "://" in endpoint.address else f"tcp://{endpoint.address}"
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError as error:
        raise EngineError(f"cannot talk to {endpoint}: {error}") from None
    return url


class _Connection(http.client.HTTPConnection):
    """HTTP over whatever `make_socket` gives."""

    def __init__(self, make_socket: Callable[[], socket.socket], timeout: float | None, host: str = "docker") -> None:
        super().__init__(host)
        self._make_socket = make_socket
        self._silence = timeout

    def connect(self) -> None:
        self.sock = self._make_socket()
        self.sock.settimeout(self._silence)


def _ssh_socket(url: SplitResult) -> socket.socket:
    """A socket to `docker system dial-stdio` on another machine, as the docker command does it."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(ssh_command(url), stdin=theirs.fileno(), stdout=theirs.fileno())
        except BaseException:
            ours.close()
            raise
    # It ends when our end is closed, at a time that only the response knows.
    threading.Thread(target=process.wait, daemon=True).start()
    return ours


def ssh_command(url: SplitResult) -> list[str]:
    """The command that connects to the engine of another machine.

    >>> ssh_command(urlsplit("ssh://me@build.example:2222"))[-7:]
    ['-p', '2222', '--', 'build.example', 'docker', 'system', 'dial-stdio']
    """
    command = ["ssh", "-T", "-o", f"ConnectTimeout={int(CONNECT_TIMEOUT)}"]
    if url.username:
        command += ["-l", url.username]
    if url.port:
        command += ["-p", str(url.port)]
    remote = ["docker", "system", "dial-stdio"]
    if url.path.strip("/"):
        # The other machine's shell reads it.
        remote[1:1] = ["--host", shlex.quote(f"unix://{url.path}")]
    return [*command, "--", url.hostname or "localhost", *remote]


def _unix_socket(path: str) -> socket.socket:
    if sys.platform == "win32":
        raise EngineError(f"cannot talk to unix://{path}: Windows' engines listen on npipe:// or tcp://")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(CONNECT_TIMEOUT)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _tcp_socket(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), CONNECT_TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _tls_context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.authority)
        if not tls.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise EngineError(f"cannot use the certificates for the engine: {error}") from None
    return context


class _NamedPipe:
    """A Windows named pipe in the place of a socket: what `http.client` needs of one. It knows no timeouts."""

    def __init__(self, path: str) -> None:
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while True:
            try:
                self._file = open(path, "r+b", buffering=0)  # noqa: PTH123, SIM115
                return
            except OSError as error:
                # All instances are taken by other clients; the next is there in a moment.
                if getattr(error, "winerror", 0) != _PIPE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def settimeout(self, timeout: float | None) -> None:
        pass

    def sendall(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def makefile(self, mode: str) -> BinaryIO:
        # As a socket's, it stays open when the connection is closed.
        return open(os.dup(self._file.fileno()), "rb")  # noqa: PTH123

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self._file.close()
