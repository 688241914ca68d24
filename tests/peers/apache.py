"""Apache as a proxy that logs people in by OpenID Connect, on a free loopback port."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.availability import OPENIDC, require
from tests.peers.containment import dying_with_us, start_server, stop, wait_until
from tests.peers.ports import free_port

_LOADED = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "headers", "proxy", "proxy_http"),
    *("env", "setenvif"),
)
_SETTINGS = """\
ServerRoot {root}
PidFile {root}/apache.pid
DefaultRuntimeDir {root}
ErrorLog {root}/errors.log
ServerName localhost
Listen 127.0.0.1:{port}
StartServers 1
ThreadsPerChild 25
ServerLimit 4
MaxRequestWorkers 50
"""


@contextmanager
def apache(root: Path, hosts: Callable[[int], str]) -> Iterator[str]:
    """Run Apache with the virtual hosts that `hosts` returns for its port, and give its host and port."""
    program = require("apache2")
    port = free_port()
    root.mkdir()
    lines = [f"LoadModule {name}_module {OPENIDC.parent}/mod_{name}.so" for name in _LOADED]
    if os.geteuid() == 0:
        lines += ["User www-data", "Group www-data"]
    (root / "apache.conf").write_text("\n".join([*lines, _SETTINGS.format(root=root, port=port), hosts(port)]))
    command = dying_with_us([str(program), "-f", str(root / "apache.conf"), "-D", "FOREGROUND"])
    log = root / "output.log"
    process = start_server(command, output=root / "ignored.log", errors=log)
    try:
        wait_until(lambda: _listens(port), process, log=log)
        yield f"localhost:{port}"
    finally:
        stop(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
