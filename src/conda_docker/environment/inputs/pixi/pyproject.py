"""What pixi takes from the standard tables of `pyproject.toml`: requirements, groups of them, the Python version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conda_docker.environment.inputs.pixi.toml_table import Table
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidEnvironment


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements for pip (PEP 508) that make up a feature, or are part of one; `python` is a match spec."""

    requirements: tuple[str, ...] = ()
    python: str | None = None


def dependency_groups(document: Table) -> dict[str, Group]:
    """Return the project's requirements by feature: `default`, and one for each group and set of optional ones.

    Groups may include one another (PEP 735), and optional requirements name others of the project by its extras.
    Raises `InvalidEnvironment` for groups that are missing or include themselves.
    """
    project = document.table("project")
    own_name = normalize_name(project.text("name") or "")
    optional, groups = project.table("optional-dependencies"), document.table("dependency-groups")
    found = {name: tuple(_optional(optional, name, own_name, ())) for name in optional}
    for name in groups:
        found[name] = (*found.get(name, ()), *_group(groups, name, ()))
    found["default"] = (*found.get("default", ()), *project.texts("dependencies"))
    return {name: Group(requirements) for name, requirements in found.items()}


def python_requirement(document: Table) -> str | None:
    """Return the match spec for the Python that the project requires. Any will do where it says nothing.

    >>> from conda_docker.environment.inputs.pixi.toml_table import parse_toml
    >>> python_requirement(parse_toml('[project]\\nrequires-python = ">= 3.11"', "pyproject.toml"))
    'python >=3.11'
    """
    wanted = (document.table("project").text("requires-python") or "").replace(" ", "")
    # pip's `==3.12.*` is conda's `3.12.*`.
    parts = [part.removeprefix("==") if part.endswith(".*") else part for part in wanted.split(",") if part]
    return " ".join(["python", *([",".join(parts)] if parts else [])])


def _optional(optional: Table, name: str, own_name: str, including: tuple[str, ...]) -> list[str]:
    _check_circle(optional, name, including)
    requirements: list[str] = []
    for text in optional.texts(name):
        wanted, _, rest = text.partition("[")
        if rest and normalize_name(wanted.strip()) == own_name:
            for extra in rest.partition("]")[0].split(","):
                requirements += _optional(optional, _key(optional, extra.strip()), own_name, (*including, name))
        else:
            requirements.append(text)
    return requirements


def _group(groups: Table, name: str, including: tuple[str, ...]) -> list[str]:
    _check_circle(groups, name, including)
    requirements: list[str] = []
    for item in groups.items(name):
        if isinstance(item, str):
            requirements.append(item)
        elif isinstance(item, Mapping) and isinstance(included := item.get("include-group"), str):
            requirements += _group(groups, _key(groups, included), (*including, name))
        else:
            raise groups.invalid(name, "should hold requirements and `include-group`")
    return requirements


def _key(table: Table, name: str) -> str:
    """Return the key of a group, which may be spelled differently (PEP 503)."""
    for key in table:
        if normalize_name(key) == normalize_name(name):
            return key
    raise InvalidEnvironment(f"{table.file_name}: `{table.path}` has no {name!r}, which another entry includes")


def _check_circle(table: Table, name: str, including: tuple[str, ...]) -> None:
    if name in including:
        raise table.invalid(name, "includes itself")
