"""The options of `build` that a file of the project may have, and what they are called there."""

from __future__ import annotations

from conda_docker.cli.options import attest, policy
from conda_docker.cli.options.build import OPTIONS
from conda_docker.cli.parameters import Argument, Option

_OF_ONE_RUN = frozenset({"target", "no_config"})
DECLARABLE: tuple[Option | Argument, ...] = tuple(
    param for param in (*OPTIONS, *policy.OPTIONS, *attest.OPTIONS) if param.name not in _OF_ONE_RUN
)


def key_of(param: Option | Argument) -> str:
    """Return what an option is called in a file: its long name.

    >>> [key_of(param) for param in DECLARABLE[:3]]
    ['specs', 'file', 'name']
    """
    return str(param.name) if isinstance(param, Argument) else max(param.opts, key=len).lstrip("-")
