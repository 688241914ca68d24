"""Sandboxes of every kind, for tests that must hold in each."""

from __future__ import annotations

import os

import pytest

from conda_docker.sandbox.find import KINDS, Kind, Sandbox, obstacle
from tests.peers.availability import REQUIRE_PEERS

USED = [kind for kind in KINDS if "before" not in kind.name]
"""The kinds that differ in more than an option."""


def sandbox_of(kind: Kind) -> Sandbox:
    """Return a sandbox of a kind; the test is skipped where this machine has none, or fails where peers are required.

    Bubblewrap is a peer. Namespaces are the machine's own, and there wherever bubblewrap works.
    """
    program = kind.find()
    reason = "bwrap is not on PATH" if program is None else obstacle(kind, program)
    if program is not None and reason is None:
        return Sandbox(kind.name, program, kind.build)
    if os.environ.get(REQUIRE_PEERS) == "1":
        pytest.fail(f"{reason}, and {REQUIRE_PEERS}=1 asks for it", pytrace=False)
    pytest.skip(str(reason))
