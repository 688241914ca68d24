"""Kinds of file that are known and not read: they are refused by name, with a way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.errors import UnsupportedInput


def _refused(name: str, detect: Callable[[InputFile], bool], advice: str) -> InputKind:
    def refuse(request: ReadRequest) -> NoReturn:
        raise UnsupportedInput(f"{request.file_name} is {name}{advice}")

    return InputKind(name, detect, refuse)


def _is_toml(file: InputFile) -> bool:
    return file.path.suffix == ".toml"


TOML = _refused(
    "a TOML file", _is_toml, ", and has no table of pixi (`[workspace]` or `[tool.pixi]`), which would name packages"
)


def _named(pattern: str) -> Callable[[InputFile], bool]:
    """Return whether a file has such a name, and nothing in it that an environment.yml has."""
    name = re.compile(pattern, re.IGNORECASE)
    return lambda file: name.fullmatch(file.path.name) is not None and "dependencies" not in file.keys


def _is_list_of_records(file: InputFile) -> bool:
    return file.path.suffix == ".json" and file.text.lstrip().startswith("[") and '"base_url"' in file.text


_FOR_PIP = "name that in the `pip:` section of an environment.yml, as in `- pip: [-r requirements.txt]`"
_RECIPE = ": build the package, and name it and its channel (-c)"

KINDS = (
    _refused(
        "a lock file of uv",
        _named(r"uv\.lock"),
        f": write it with `uv export --no-emit-project -o requirements.txt`, and {_FOR_PIP}; --project installs the "
        "project itself",
    ),
    _refused("a lock file of Poetry", _named(r"poetry\.lock"), f": write it with `poetry export`, and {_FOR_PIP}"),
    _refused(
        "a file of Pipenv",
        _named(r"pipfile(?:\.lock)?"),
        f": write it with `pipenv requirements > requirements.txt`, and {_FOR_PIP}",
    ),
    _refused(
        "a lock file of pip packages",
        _named(r"pylock(?:\.[^.]+)?\.toml"),
        f": have the tool that made it write a requirements.txt, and {_FOR_PIP}",
    ),
    _refused("a recipe of conda-build", _named(r"meta\.ya?ml"), _RECIPE),
    _refused("a recipe of rattler-build", _named(r"recipe\.ya?ml"), _RECIPE),
    _refused(
        "a project of anaconda-project",
        _named(r"anaconda-project\.ya?ml"),
        ": write an environment.yml with `anaconda-project export-env-spec`",
    ),
    _refused(
        "the output of `conda list --json`",
        _is_list_of_records,
        ": write a list of exact packages with `conda list --explicit --md5`",
    ),
    TOML,
)
"""The rows of the table, by the names that these files have."""
