"""The other programs that tests hold this project against, each started and stopped for them.

`availability` knows which peers there are and whether this machine can use them, `program` runs one, `containment`
makes sure that a server never outlives the tests; `registry`, `engine`, `podman`, `containerd` and `rootfs` start what
takes more than a command line, and `npm` installs what only npm has. The fixtures are in `tests/conftest.py`.
"""

from __future__ import annotations

from tests.peers.availability import PEERS, Peer, missing, require
from tests.peers.browser import Browser, Page, start_browser
from tests.peers.containerd import Containerd, start_containerd
from tests.peers.engine import DockerEngine, start_engine
from tests.peers.npm import install_npm
from tests.peers.podman import Podman, podman_variables, start_podman
from tests.peers.program import PeerError, Program
from tests.peers.registry import Registry, Request, TokenAuth, start_registry
from tests.peers.rootfs import run_in_bwrap, run_in_runc, unpack_image

__all__ = [
    "PEERS",
    "Browser",
    "Containerd",
    "DockerEngine",
    "Page",
    "Peer",
    "PeerError",
    "Podman",
    "Program",
    "Registry",
    "Request",
    "TokenAuth",
    "install_npm",
    "missing",
    "podman_variables",
    "require",
    "run_in_bwrap",
    "run_in_runc",
    "start_browser",
    "start_containerd",
    "start_engine",
    "start_podman",
    "start_registry",
    "unpack_image",
]
