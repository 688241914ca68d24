"""The order of options in the help: that in which a build is thought of, from packages to where the image goes."""

from __future__ import annotations

from collections.abc import Iterable

from conda_docker.cli.options.attest import TRUST
from conda_docker.cli.options.build import CACHE, DECLARED, LAYERS, RESULT
from conda_docker.cli.options.common import BILLS, REGISTRIES
from conda_docker.cli.options.content import CONTENT, PACKAGES
from conda_docker.cli.options.policy import POLICY
from conda_docker.cli.options.runtime import RUNTIME
from conda_docker.cli.parameters import Argument, Option

_ORDER = (PACKAGES, CONTENT, RESULT, RUNTIME, LAYERS, POLICY, BILLS, TRUST, CACHE, REGISTRIES, DECLARED)


def in_order(params: Iterable[Option | Argument]) -> tuple[Option | Argument, ...]:
    """Return parameters by their panels, arguments first; those of one panel stay in their order."""
    return tuple(sorted(params, key=lambda param: _ORDER.index(param.panel) if isinstance(param, Option) else -1))
