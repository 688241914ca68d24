"""Options that a lock file records: those of the build that it was locked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from conda_docker.cli.declared.values import with_declared
from conda_docker.cli.options.declarable import key_of


def with_locked(ctx: click.Context, given: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values with those that a lock file records and neither the command line nor `table` has."""
    if len(given["file"]) != 1:
        return given
    from conda_docker.lock_files.inputs import read_lock

    [path] = given["file"]
    document = read_lock(path)
    if document is None:
        return given
    from conda_docker.cli.options.lock import OF_IMAGES

    keys = {key_of(param) for param in OF_IMAGES} - table.keys()
    recorded = {key: value for key, value in document["inputs"].items() if key in keys}
    return with_declared(ctx, given, recorded, path.absolute())
