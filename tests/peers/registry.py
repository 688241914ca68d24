"""Debian's `docker-registry`: the reference implementation of a registry, on a free loopback port."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import ssl
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.availability import require
from tests.peers.containment import dying_with_us, start_server, stop, wait_until
from tests.peers.processor_time import processor_time
from tests.peers.program import Program

_ACCESS = re.compile(
    r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[0-9.]+" (?P<status>\d+) (?P<size>\d+) ".*" "(?P<agent>.*)"$'
)
_LISTENING = re.compile(r"listening on [^\"\s]*:(\d+)")
_FLUSH = "/v2/?flush="
_FLUSHES = 5


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """What a registry must know of the token server that it trusts.

    `realm` is the token server's address, `service` the registry's name there, `issuer` the `iss` claim of its tokens,
    `rootcertbundle` a PEM file with the certificates that sign them.
    """

    realm: str
    service: str
    issuer: str
    rootcertbundle: Path


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a registry has answered: `path` with its query, `size` of the answer's body in bytes."""

    method: str
    path: str
    status: int
    size: int
    agent: str


class Registry:
    """A running registry. `host` is `localhost:PORT`, `url` has the scheme, `storage` is the folder of its blobs."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path, port: int, *, tls: bool) -> None:
        self.host = f"localhost:{port}"
        self.port = port
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self.root = root
        self.storage = root / "storage"
        self.log_path = root / "access.log"
        """The requests that it answered, one line each in Apache's combined format."""
        self.errors_path = root / "errors.log"
        self._process = process

    def __repr__(self) -> str:
        return f"<Registry {self.url}>"

    def log(self) -> str:
        """Return the access log, with every request in it that was answered before this call."""
        # A request whose answer is large is noted after its client has all of it: what comes later gives it time.
        connection = self._connection()
        try:
            for _ in range(_FLUSHES):
                line = f"{_FLUSH}{uuid.uuid4().hex}"
                connection.request("GET", line)
                connection.getresponse().read()
        finally:
            connection.close()
        wait_until(lambda: line in self.log_path.read_text(), self._process, log=self.errors_path)
        return "".join(row for row in self.log_path.read_text().splitlines(keepends=True) if _FLUSH not in row)

    def requests(self, since: int = 0) -> list[Request]:
        """Return the requests that it has answered, leaving out the first `since` of them.

        >>> before = len(registry.requests())
        >>> ...
        >>> registry.requests(since=before)
        [Request(method='GET', path='/v2/', status=200, size=2, agent='...')]
        """
        matches = [match for line in self.log().splitlines() if (match := _ACCESS.search(line))]
        rows = [(match["method"], match["path"], match["status"], match["size"], match["agent"]) for match in matches]
        return [Request(method, path, int(status), int(size), agent) for method, path, status, size, agent in rows][
            since:
        ]

    def cpu(self) -> float:
        """Return the processor seconds that it has taken."""
        return processor_time(self._process.pid)

    def stop(self) -> None:
        """End it and remove what it stored."""
        stop(self._process)
        shutil.rmtree(self.storage, ignore_errors=True)

    def _connection(self) -> http.client.HTTPConnection:
        if self.url.startswith("https:"):
            unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=unverified)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)


def start_registry(
    root: Path,
    *,
    htpasswd: Mapping[str, str] | None = None,
    token: TokenAuth | None = None,
    tls: tuple[Path, Path] | None = None,
    port: int = 0,
    delete: bool = True,
    config: Mapping[str, Any] | None = None,
) -> Registry:
    """Start a registry that keeps everything in `root`, and return it when it answers. The caller stops it.

    `htpasswd` maps users to passwords; `token` names a token server; `tls` is a certificate and its key, as PEM files;
    `port` 0 takes a free one; `config` is laid over the configuration, section by section
    (https://distribution.github.io/distribution/about/configuration/).

        >>> start_registry(tmp_path / "registry", htpasswd={"alice": "secret"}).host
        'localhost:44279'
    """
    program = require("docker-registry")
    root.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(root / "storage")}, "delete": {"enabled": delete}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": uuid.uuid4().hex},
    }
    if htpasswd is not None:
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(_write_htpasswd(root / "htpasswd", htpasswd))}}
    if token is not None:
        trusted = {"realm": token.realm, "service": token.service, "issuer": token.issuer}
        settings["auth"] = {"token": {**trusted, "rootcertbundle": str(token.rootcertbundle)}}
    if tls is not None:
        settings["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    _overlay(settings, config or {})
    # JSON is YAML.
    config_path = root / "config.yml"
    config_path.write_text(json.dumps(settings, indent=2))

    command = dying_with_us([str(program), "serve", str(config_path)])
    log, errors = root / "access.log", root / "errors.log"
    process = start_server(command, output=log, errors=errors)
    try:
        # With port 0 only the server knows its port, and nobody can take it between choosing and listening.
        wait_until(lambda: _LISTENING.search(errors.read_text()) is not None, process, log=errors)
    except BaseException:
        stop(process)
        raise
    listening = _LISTENING.search(errors.read_text())
    assert listening is not None
    return Registry(process, root, int(listening[1]), tls=tls is not None)


def _overlay(settings: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(settings.get(key), dict):
            _overlay(settings[key], value)
        else:
            settings[key] = value


def _write_htpasswd(path: Path, users: Mapping[str, str]) -> Path:
    htpasswd = Program(require("htpasswd"))
    # The registry reads bcrypt only; cost 4 is the cheapest, and it is paid at each request.
    path.write_text("".join(htpasswd("-niB", "-C", "4", user, stdin=users[user]).stdout for user in users))
    return path
