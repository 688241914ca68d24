"""Requests for solvers, with what tests seldom care about filled in."""

from __future__ import annotations

from typing import Any

from conda_docker.environment.solve.request import SolveRequest
from conda_docker.environment.virtual_packages import virtual_packages


def solve_request(*specs: str, subdir: str = "linux-64", **fields: Any) -> SolveRequest:
    """Return a request for `specs` that takes an unknown Linux system for granted; `channels` may be a list."""
    fields = {"virtual_packages": virtual_packages(subdir), **fields}
    fields["channels"] = tuple(fields.get("channels", ()))
    return SolveRequest(specs=specs, subdir=subdir, **fields)
