"""The process that chooses packages, started while it is still being found out what to choose among."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.request import Request

_DESCRIBING = frozenset({".yml", ".yaml", ".toml"})
_MODULES = ("conda_docker.environment.solve.rattler", "conda_docker.channels.rattler_engine", "rattler")


def solver_ahead(request: Request) -> AbstractContextManager[None]:
    """Have that process start now, and be there in the block, for a request that looks as if packages must be chosen.

    Its first tenth of a second goes into imports, as does that of the process that asks.
    """
    if not _looks_open(request):
        return nullcontext()
    from conda_docker.bounded.calls import process_ahead

    return process_ahead(*_MODULES)


def _looks_open(request: Request) -> bool:
    """Tell by names alone whether packages must still be chosen, here and by rattler."""
    if request.solver or request.conda_exe or request.name is not None or request.prefix is not None:
        return False
    return all(map(_describes, request.files))


def _describes(path: Path) -> bool:
    return path.suffix in _DESCRIBING and "lock" not in path.name
