"""RuntimeConfig: what a container of an image runs with, as a dictionary in the words of the specification."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# image-spec, config.md, "config", and what Docker adds to it.
_LISTS = frozenset({"Env", "Entrypoint", "Cmd", "OnBuild", "Shell"})
_SETS = frozenset({"ExposedPorts", "Volumes", "Labels"})


class RuntimeConfig(dict[str, Any]):
    """The `config` object of an image's config file: Env, Entrypoint, Cmd, User, WorkingDir, Labels...

    A field that is absent or null, which mean the same, reads as an empty list or dictionary that can be added to.

    >>> config = RuntimeConfig()
    >>> config["Env"].append("FOO=BAR")
    >>> config.to_json()
    {'Env': ['FOO=BAR']}
    """

    def __init__(self, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(copy.deepcopy(dict(fields or {})))

    def __getitem__(self, key: str) -> Any:
        value = self.get(key)
        if value is None and key in _LISTS:
            value = self[key] = []
        elif value is None and key in _SETS:
            value = self[key] = {}
        elif value is None and key not in self:
            raise KeyError(key)
        return value

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `Env` by name; the last one wins where a name occurs twice."""
        return dict(variable.partition("=")[::2] for variable in self.get("Env") or [])

    def set_variable(self, name: str, value: str) -> None:
        """Set one variable of `Env`, in its place where it is set already."""
        variables: list[str] = self["Env"]
        places = [place for place, variable in enumerate(variables) if variable.partition("=")[0] == name]
        if places:
            variables[places[0]] = f"{name}={value}"
            for place in reversed(places[1:]):
                del variables[place]
        else:
            variables.append(f"{name}={value}")

    def copy(self) -> RuntimeConfig:
        """An independent copy."""
        return RuntimeConfig(self)

    def to_json(self) -> dict[str, Any]:
        """The fields that say something: those that are null or empty mean the same as absent ones."""
        return {key: copy.deepcopy(value) for key, value in self.items() if value not in (None, [], {}, "")}
