"""The variables by which programs know which environment is active (conda/activate.py)."""

from __future__ import annotations

import posixpath


def active_variables(prefix: str, *, is_root_prefix: bool = False) -> dict[str, str]:
    """Return what activating the environment at `prefix` sets, but for PATH; one with conda itself is called base.

    >>> active_variables("/opt/conda/envs/app")["CONDA_DEFAULT_ENV"]
    'app'
    """
    parent, name = posixpath.split(prefix)
    named = name if posixpath.basename(parent) == "envs" else prefix
    return {
        "CONDA_PREFIX": prefix,
        "CONDA_SHLVL": "1",
        "CONDA_DEFAULT_ENV": "base" if is_root_prefix else named,
    }
