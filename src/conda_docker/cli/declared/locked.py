"""Options that a lock file records: those of the build that it was locked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click


def with_locked(ctx: click.Context, given: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values with those that a lock file records and neither the command line nor `table` has.

    Rules for packages are obeyed together with those that are given: see `policy_of`.
    """
    if len(given["file"]) != 1:
        return given
    from conda_docker.lock_files.inputs import read_lock

    [path] = given["file"]
    document = read_lock(path)
    if document is None:
        return given
    from conda_docker.cli.declared.values import declared_value, with_declared
    from conda_docker.cli.options.declarable import key_of
    from conda_docker.cli.options.lock import OF_IMAGES, RULES
    from conda_docker.cli.options.policy import LOCKED_RULES

    keys = {key_of(param) for param in OF_IMAGES} - table.keys()
    recorded = {key: value for key, value in document["inputs"].items() if key in keys}
    values = with_declared(ctx, given, recorded, path.absolute())
    inputs = document["inputs"]
    rules = {
        str(param.name): declared_value(ctx, param, inputs[key_of(param)], path.absolute())
        if key_of(param) in inputs
        else (() if param.multiple else None)
        for param in RULES
    }
    return values | {LOCKED_RULES: rules} if any(rules.values()) else values
