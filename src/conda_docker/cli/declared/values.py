"""Declared options as the command line would have them: keys are the long names, and what is given there wins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from conda_docker.arguments.in_image import to_additions
from conda_docker.arguments.spelling import did_you_mean
from conda_docker.arguments.values import to_command, to_mapping
from conda_docker.cli.declared.images import IMAGES, NO_OPTIONS
from conda_docker.cli.options.arguments import to_destinations, to_lines, to_source
from conda_docker.cli.options.content import base_location
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.options.policy import to_sources
from conda_docker.cli.parameters import Argument, Option
from conda_docker.user_files import user_path
from python_docker.transports import Location

ENVIRONMENTS = frozenset({"specs", "file", "name", "prefix"})
"""Ways to describe the environment: one that is given takes the place of all that are declared."""


def with_declared(ctx: click.Context, given: Mapping[str, Any], table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the values of a command's options, those that were not given taken from `table`, which is from `path`.

    Paths in it are relative to the folder of that file. Raises a usage error that names the key, for unknown ones and
    for values that the option does not take.
    """
    by_key = {key_of(param): param for param in DECLARABLE}
    values = dict(given)
    described = any(was_given(ctx, param) for key, param in by_key.items() if key in ENVIRONMENTS)
    for key, value in table.items():
        param = by_key.get(key)
        if param is None:
            raise click.UsageError(f"{path}: there is no option {key!r}{did_you_mean(key, (*by_key, *NO_OPTIONS))}")
        if was_given(ctx, param) or (described and key in ENVIRONMENTS):
            continue
        if key == "image" and isinstance(value, dict):
            name = next(iter(value), "NAME")
            raise click.UsageError(f"{path}: image is the name of an image; did you mean [{IMAGES}.{name}]?")
        values[str(param.name)] = declared_value(ctx, param, value, path)
    return values


def declared_value(ctx: click.Context, param: Option | Argument, value: object, path: Path) -> Any:
    """Return the value of an option that the file `path` declares. Raises a usage error that names the key."""
    key = key_of(param)
    try:
        return param.process_value(ctx, _raw(param, value, path.parent))
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"{path}: {key} {error}") from None
    except click.UsageError as error:
        raise click.UsageError(f"{path}: {key}: {error.message}") from None


def was_given(ctx: click.Context, param: click.Parameter) -> bool:
    """Return whether an option is on the command line, or in a variable of the environment."""
    source = ctx.get_parameter_source(str(param.name))
    return source not in (None, click.ParameterSource.DEFAULT, click.ParameterSource.DEFAULT_MAP)


def _raw(param: Option | Argument, value: object, folder: Path) -> object:
    """Return a value as click takes it from a command line. Raises `TypeError` that goes on after the key."""
    if isinstance(param, Option) and param.is_flag:
        if not isinstance(value, bool):
            raise TypeError(f"must be true or false, not {value!r}")
        return value
    if param.convert is to_command:
        return _command(value)
    if param.convert in (to_mapping, to_lines):
        return _pairs(value)
    if param.nargs == -1 or param.multiple:
        items = [value] if isinstance(value, str | int) else value
        if not isinstance(items, list):
            raise TypeError(f"must be a list of strings, not {value!r}")
        return tuple(_rebased(param, _text(param, item), folder) for item in items)
    return _rebased(param, _text(param, value), folder)


def _text(param: Option | Argument, value: object) -> str:
    number = isinstance(param.type, click.types.IntParamType)
    ports = key_of(param) == "expose"
    if isinstance(value, int) and not isinstance(value, bool) and (number or ports):
        return str(value)
    if not isinstance(value, str) or number:
        raise TypeError(f"must be a {'whole number' if number else 'string'}, not {value!r}")
    return value


def _command(value: object) -> str:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return json.dumps(value)
    if isinstance(value, str):
        return value
    raise TypeError(f"must be a command: a string, or a list of strings, not {value!r}")


def _pairs(value: object) -> tuple[str, ...]:
    if isinstance(value, dict) and all(isinstance(item, str | int) for item in value.values()):
        return tuple(f"{name}={str(item).lower() if isinstance(item, bool) else item}" for name, item in value.items())
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise TypeError(f"must be a table of strings, not {value!r}")


def _rebased(param: Option | Argument, text: str, folder: Path) -> str:
    """Return a path that is relative to the declaring file's folder as one that is relative to the current folder."""
    if folder == Path.cwd():
        return text
    if isinstance(param.type, click.Path):
        return str(folder / user_path(text))
    if param.convert is to_additions:
        source, colon, target = text.rpartition(":")
        return f"{folder / user_path(source)}{colon}{target}" if colon else text
    if param.convert is to_sources:
        from conda_docker.policy.advisories.sources import AdvisorySource

        return str(AdvisorySource.parse(text).with_path(lambda place: str(folder / user_path(place))))
    if param.convert in (to_destinations, base_location):
        # A name in a registry is not a path; a path is relative to the folder of the file.
        with _in_folder(folder):
            place = Location.parse(text) if param.convert is to_destinations else to_source(key_of(param), text)
        if place.path and not Path(place.path).is_absolute():
            head, found, tail = text.partition(place.path)
            return f"{head}{folder / found}{tail}" if found else text
    return text


class _in_folder:  # noqa: N801 -- reads as the function that it is
    """Has another current folder for a moment: a place is looked at to know what it is."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._before = folder, Path.cwd()

    def __enter__(self) -> None:
        os.chdir(self._folder)

    def __exit__(self, *error: object) -> None:
        os.chdir(self._before)
