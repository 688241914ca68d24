"""The table [build] of a server's configuration: options of `build`, as conda-docker.toml has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.cli.declared.values import declared_value
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.parameters import Option
from conda_docker.serve.configuration import InvalidConfiguration
from conda_docker.serve.configuration_file import BUILD_KEYS

_FIELDS = {
    key_of(param): (param, field.replace("_", "-"))
    for param in DECLARABLE
    if isinstance(param, Option)
    for target, _, field in [param.sets.partition(".")]
    if target == "options" and field.replace("_", "-") in BUILD_KEYS
}
"""Options of images by their keys, each with the field of `BuildOptions` that it sets."""


def served_build(ctx: click.Context, table: object, path: Path) -> object:
    """Return the table with fields of `BuildOptions` in place of options; `path` is the file that it is from.

    Fields are taken as well. Raises `InvalidConfiguration` for what is neither, with what may have been meant, and for
    values that the option does not take.
    """
    if not isinstance(table, Mapping):
        return table
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in _FIELDS:
            param, field = _FIELDS[key]
            try:
                value = declared_value(ctx, param, value, path)  # noqa: PLW2901
            except click.UsageError as error:
                raise InvalidConfiguration(f"build: {error.message.removeprefix(f'{path}: ')}") from None
        elif key in BUILD_KEYS:
            field = key
        else:
            hint = did_you_mean(key, _FIELDS, otherwise=f"; there are: {', '.join(sorted(_FIELDS))}")
            raise InvalidConfiguration(f"build has no key {key!r}{hint}")
        if field in values:
            raise InvalidConfiguration(f"build: {key} is there under two names")
        if value is not None:
            values[field] = value
    return values
