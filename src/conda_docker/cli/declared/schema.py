"""The JSON schema of a declaration, made from the table of options: what editors complete and check by."""

from __future__ import annotations

from typing import Any

import click

from conda_docker.arguments.values import to_command, to_mapping
from conda_docker.baking.targets.variants import AXES
from conda_docker.cli.declared.images import EXTENDS, IMAGES, MATRIX
from conda_docker.cli.options.arguments import to_lines
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.parameters import Argument, Option

_STRING: dict[str, Any] = {"type": "string"}


def schema() -> dict[str, Any]:
    """Return the schema of a conda-docker.toml, and of the table `[tool.conda-docker]`."""
    options = {key_of(param): _property(param) for param in DECLARABLE}
    image = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            EXTENDS: {"type": "string", "description": "The image whose options this one has, too."},
            MATRIX: _matrix(),
            **options,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "conda-docker",
        "description": "Builds of images, as conda-docker.toml or [tool.conda-docker] declares them.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **options,
            MATRIX: _matrix(),
            IMAGES: {
                "type": "object",
                "description": "Several images by their names; each has the common options under its own.",
                "additionalProperties": image,
            },
        },
    }


def _matrix() -> dict[str, Any]:
    values = {"anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}]}
    return {
        "type": "object",
        "description": "Build each image once for every combination of these values.",
        "additionalProperties": False,
        "properties": dict.fromkeys(AXES, values),
    }


def _property(param: Option | Argument) -> dict[str, Any]:
    text = param.explanation if isinstance(param, Argument) else param.help or ""
    return {**_type(param), "description": text}


def _type(param: Option | Argument) -> dict[str, Any]:
    if isinstance(param, Option) and param.is_flag:
        return {"type": "boolean"}
    if param.convert is to_command:
        return {"type": ["string", "array"], "items": _STRING}
    if param.convert in (to_mapping, to_lines):
        return {"type": ["object", "array"], "additionalProperties": {"type": ["string", "integer", "boolean"]}}
    one: dict[str, Any] = _STRING
    if isinstance(param.type, click.Choice):
        one = {"enum": list(param.type.choices)}
    elif isinstance(param.type, click.types.IntParamType):
        one = {"type": "integer"}
    elif key_of(param) == "expose":
        one = {"type": ["string", "integer"]}
    if param.nargs == -1 or param.multiple:
        return {"anyOf": [one, {"type": "array", "items": one}]}
    return one
