"""RuntimeConfig: what a container of an image runs with, as a dictionary in the words of the specification."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from python_docker.argument_types import check_type
from python_docker.errors import InvalidDocument
from python_docker.spec.limits import MAX_VARIABLE

# image-spec, config.md, "config", and what Docker adds to it.
_LISTS = frozenset({"Env", "Entrypoint", "Cmd", "OnBuild", "Shell"})
_SETS = frozenset({"ExposedPorts", "Volumes", "Labels"})
_TEXTS = frozenset({"User", "WorkingDir", "StopSignal", "Hostname", "Domainname", "MacAddress"})
_COMMANDS = ("Entrypoint", "Cmd", "Shell")
_LIST, _OBJECT, _LABELS, _STRING = "a list of strings", "an object", "an object of strings", "a string"


def _expected(name: str) -> str | None:
    """Return what the value of a field must be, None when it is for others to say."""
    if name in _LISTS:
        return _LIST
    if name in _SETS:
        return _LABELS if name == "Labels" else _OBJECT
    return _STRING if name in _TEXTS else None


def _is(value: object, expected: str) -> bool:
    if expected == _STRING:
        return isinstance(value, str)
    if expected == _LIST:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    strings = expected == _LABELS
    return isinstance(value, dict) and (not strings or all(isinstance(label, str) for label in value.values()))


class RuntimeConfig(dict[str, Any]):
    """The `config` object of an image's config file: Env, Entrypoint, Cmd, User, WorkingDir, Labels...

    A known field that is absent or null, which mean the same, reads as empty: as a list or dictionary that can be
    added to, or as an empty text.

    >>> config = RuntimeConfig()
    >>> config["Env"].append("FOO=BAR")
    >>> config["User"], config["Cmd"]
    ('', [])
    >>> config.to_json()
    {'Env': ['FOO=BAR']}
    """

    def __init__(self, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(copy.deepcopy(dict(fields or {})))
        self._made: set[str] = set()

    @classmethod
    def from_document(cls, fields: Mapping[str, Any] | None) -> RuntimeConfig:
        """Read the `config` of a config file that may say anything.

        A command that is a string is one word, as Docker's builder takes it, and null in a list or among the labels is
        an empty string, as Go reads it. Raises `InvalidDocument` for any other field of a type that no engine reads.

        >>> RuntimeConfig.from_document({"Entrypoint": "sh"})["Entrypoint"]
        ['sh']
        """
        config = cls(fields)
        for name in _COMMANDS:
            if isinstance(config.get(name), str):
                config[name] = [config[name]] if config[name] else []
        for name in _LISTS:
            if isinstance(config.get(name), list):
                config[name] = ["" if word is None else word for word in config[name]]
        if isinstance(config.get("Labels"), dict):
            config["Labels"] = {name: "" if label is None else label for name, label in config["Labels"].items()}
        for name, value in config.items():
            expected = _expected(name)
            if value is not None and expected is not None and not _is(value, expected):
                raise InvalidDocument(f"the image's config is malformed at {name}: not {expected}")
        return config

    def __getitem__(self, key: str) -> Any:
        value = self.get(key)
        if value is not None:
            return value
        if key in _LISTS or key in _SETS:
            self._made.add(key)
            value = self[key] = [] if key in _LISTS else {}
            return value
        if key in _TEXTS:
            return ""
        return super().__getitem__(key)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `Env` by name; the last one wins where a name occurs twice.

        Those that no process can have, without a name or with a NUL, are left out.

        Raises `InvalidDocument` when `Env` is not a list of strings.
        """
        variables = self.get("Env") or []
        if not isinstance(variables, list) or not all(isinstance(variable, str) for variable in variables):
            raise InvalidDocument("the image's config is malformed at Env: not a list of strings")
        pairs = (variable.partition("=")[::2] for variable in variables if "\0" not in variable)
        return {name: value for name, value in pairs if name}

    @property
    def too_long_variables(self) -> list[str]:
        """The names of variables that no program can be started with, since Linux takes no string of their length."""
        variables = self.environment.items()
        return [name for name, value in variables if len(f"{name}={value}".encode(errors="replace")) > MAX_VARIABLE]

    def set_variable(self, name: str, value: str) -> None:
        """Set one variable of `Env`, in its place where it is set already.

        Raises `TypeError` and `ValueError` for what cannot be a name or a value.
        """
        self.set_variables({name: value})

    def set_variables(self, values: Mapping[str, str]) -> None:
        """Set variables of `Env`, each in its place where it is set already, the others behind all in their order.

        Raises `TypeError` and `ValueError` for what cannot be a name or a value; then nothing is set.
        """
        check_type("values", values, Mapping)
        for name, value in values.items():
            check_type("name", name, str)
            check_type("value", value, str)
            if not name or "=" in name or "\0" in name + value:
                raise ValueError(
                    f"name must be that of a variable, and value without NUL, not {name[:80]!r}={value[:80]!r}"
                )
        left = dict(values)
        variables: list[str] = []
        for variable in self["Env"]:
            name = variable.partition("=")[0]
            if name not in values:
                variables.append(variable)
            elif name in left:
                variables.append(f"{name}={left.pop(name)}")
        self["Env"] = [*variables, *(f"{name}={value}" for name, value in left.items())]

    def copy(self) -> RuntimeConfig:
        """Return an independent copy."""
        return RuntimeConfig(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the fields as they are, without those that only reading has made and that are still empty."""
        return {key: copy.deepcopy(value) for key, value in self.items() if value or key not in self._made}
