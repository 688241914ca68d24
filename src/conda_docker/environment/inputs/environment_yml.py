"""`environment.yml` as conda reads it (CEP 24; conda/env/env.py)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import public_text
from conda_docker.user_files import parse_yaml

# `prefix` says where the file's author has the environment, `platforms` and `category` are for conda-lock.
_KNOWN = frozenset({"name", "prefix", "channels", "dependencies", "variables", "platforms", "category"})
# What a shell takes for the name of a variable.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_environment_yml(
    text: str, file_name: str = "environment.yml", *, subdir: str | None = None
) -> EnvironmentSpec:
    """Return what an environment file says; `file_name` names it in messages.

    Environment variables in channels are replaced, as conda does it. `subdir` is what the environment is wanted for,
    if that is known: `platforms` that do not name it bring a warning. Raises `UnsupportedInput` for a `pip:` section
    and any other part that cannot be installed, by name, and `InvalidEnvironment` for what is no environment file.

    >>> parse_environment_yml("channels: [conda-forge]\\ndependencies:\\n- python >=3.12  # [linux]\\n").specs
    ('python >=3.12',)
    """
    document = parse_yaml(text, file_name)
    if not isinstance(document, Mapping):
        raise InvalidEnvironment(f"{file_name} is not an environment file: it should hold `dependencies:`")
    if "dependencies" not in document:
        raise InvalidEnvironment(f"{file_name} has no `dependencies:`, so it is not a conda environment file")
    name = document.get("name")
    if name is not None and not isinstance(name, str | int | float):
        raise InvalidEnvironment(f"`name` in {file_name} should be a text")
    return EnvironmentSpec(
        specs=_dependencies(document["dependencies"], file_name),
        channels=tuple(os.path.expandvars(channel) for channel in _texts(document, "channels", file_name)),
        variables=_variables(document.get("variables"), file_name),
        name=None if name is None else str(name),
        warnings=tuple(_warnings(document, file_name, subdir)),
    )


def _dependencies(value: object, file_name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidEnvironment(f"`dependencies` in {file_name} should be a list")
    specs = []
    for item in value:
        if isinstance(item, str):
            if item.strip():
                specs.append(item.strip())
        elif isinstance(item, Mapping):
            _refuse_sections(item, file_name)
        else:
            raise InvalidEnvironment(
                f"`dependencies` in {file_name} should hold texts such as `numpy >=2`, not {_kind(item)}"
            )
    return tuple(specs)


def _refuse_sections(sections: Mapping[Any, Any], file_name: str) -> None:
    for section, items in sections.items():
        if not items:
            continue
        listed = [item for item in items if isinstance(item, str)] if isinstance(items, Sequence) else []
        if isinstance(items, str):
            listed = [items]
        shown = ", ".join(public_text(item)[:100] for item in listed[:5]) or "something"
        more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
        if section == "pip":
            raise UnsupportedInput(
                f"{file_name} asks pip for {shown}{more}; packages that come by pip cannot be put into an image yet. "
                "Many are conda packages too: name those in `dependencies`, and remove the pip section"
            )
        raise UnsupportedInput(
            f"{file_name} has a section {public_text(str(section))[:80]!r} in its dependencies ({shown}{more}), "
            "which cannot be put into an image"
        )


def _texts(document: Mapping[Any, Any], key: str, file_name: str) -> tuple[str, ...]:
    value = document.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidEnvironment(f"`{key}` in {file_name} should be a list of texts")
    return tuple(value)


def _variables(value: object, file_name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidEnvironment(f"`variables` in {file_name} should be names with values")
    variables = {}
    for name, text in value.items():
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise InvalidEnvironment(f"`variables` in {file_name}: {str(name)[:80]!r} cannot be a variable's name")
        if not isinstance(text, str | int | float):
            raise InvalidEnvironment(f"`variables` in {file_name}: {name} should be a text, not {_kind(text)}")
        if "\0" in str(text):
            raise InvalidEnvironment(f"`variables` in {file_name}: {name} holds a NUL character")
        variables[name] = str(text)
    return variables


def _warnings(document: Mapping[Any, Any], file_name: str, subdir: str | None) -> list[str]:
    unknown = [str(key)[:80] for key in document if key not in _KNOWN]
    warnings = [f"{file_name}: {key!r} is not known and was ignored" for key in unknown[:20]]
    platforms = document.get("platforms")
    if isinstance(platforms, list) and platforms and subdir and subdir not in platforms:
        named = ", ".join(str(platform)[:40] for platform in platforms[:10])
        warnings.append(f"{file_name} is for {named}; it was solved for {subdir}")
    return warnings


def _kind(value: object) -> str:
    if value is None:
        return "an empty entry"
    names = {list: "a list", dict: "a mapping", bool: "yes or no", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _is_environment_yml(file: InputFile) -> bool:
    return "dependencies" in file.keys or file.path.suffix in (".yml", ".yaml")


def _read(request: ReadRequest) -> EnvironmentSpec:
    return parse_environment_yml(request.text, request.file_name, subdir=request.target)


KIND = InputKind("an environment.yml", _is_environment_yml, _read)
