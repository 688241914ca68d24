"""Options as a lock file records them: as a declaration has them, whether they were given or declared."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from conda_docker.arguments.in_image import to_additions
from conda_docker.cli.declared.values import was_given
from conda_docker.cli.options.content import base_location
from conda_docker.cli.options.declarable import key_of
from conda_docker.cli.options.policy import to_sources
from conda_docker.cli.parameters import Argument, Option, raw_value
from conda_docker.redaction import public_url
from conda_docker.user_files import is_stream


def recorded_options(
    ctx: click.Context,
    params: Sequence[Option | Argument],
    table: Mapping[str, Any],
    table_folder: Path,
    folder: Path,
) -> dict[str, Any]:
    """Return the options that a command has, from its command line or else from `table`, for a file in `folder`.

    Paths are made relative to `folder`, credentials are left out of channels and bases.
    """
    found: dict[str, Any] = {}
    for param in params:
        key = key_of(param)
        if was_given(ctx, param):
            found[key] = _declared(param, raw_value(ctx, param), Path.cwd(), folder)
        elif key in table:
            found[key] = _declared(param, table[key], table_folder, folder)
    return found


def _declared(param: Option | Argument, value: object, source: Path, target: Path) -> object:
    if isinstance(value, bool | int | dict):
        return value
    if isinstance(value, list | tuple):
        return [_text(param, str(item), source, target) for item in value]
    return _text(param, str(value), source, target)


def _text(param: Option | Argument, text: str, source: Path, target: Path) -> str:
    if isinstance(param.type, click.Path):
        return "-" if is_stream(Path(text)) else _relative(text, source, target)
    if param.convert is to_additions:
        path, colon, place = text.rpartition(":")
        return f"{_relative(path, source, target)}{colon}{place}"
    if param.convert is to_sources:
        from conda_docker.policy.advisories.sources import AdvisorySource

        return str(AdvisorySource.parse(text).with_path(partial(_relative, source=source, target=target)))
    if param.convert is base_location or key_of(param) == "channel":
        return public_url(text)
    return text


def _relative(text: str, source: Path, target: Path) -> str:
    if Path(text).is_absolute() or text.startswith("~"):
        return text
    return Path(os.path.relpath(source / text, target)).as_posix()
