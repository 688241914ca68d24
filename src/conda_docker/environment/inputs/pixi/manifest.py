"""What a pixi manifest says: a workspace, features, and environments that are made of features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from conda_docker.environment.inputs.pixi.platforms import Platform, read_platforms
from conda_docker.environment.inputs.pixi.pyproject import Group, dependency_groups, python_requirement
from conda_docker.environment.inputs.pixi.toml_table import Table, parse_toml
from conda_docker.errors import InvalidEnvironment

DEFAULT = "default"
"""The name of the feature that the manifest's own tables make up, and of the environment that every workspace has."""

_OF_ENVIRONMENTS = frozenset({"features", "solve-group", "no-default-feature"})
_FAMILIES = {
    "linux": ("linux-",),
    "osx": ("osx-",),
    "macos": ("osx-",),
    "win": ("win-",),
    "unix": ("linux-", "osx-", "emscripten-", "freebsd-"),
}


@dataclass(frozen=True, slots=True)
class Feature:
    """A part that environments are made of. `table` holds its tables, `group` what pyproject.toml adds."""

    name: str
    table: Table
    group: Group = field(default_factory=Group)

    def targets(self, platform: Platform) -> Iterator[Table]:
        """Yield the tables that count for a platform, the general one first: what later ones say replaces it."""
        yield self.table
        for selector, table in self.table.tables("target"):
            if _selects(selector, platform):
                yield table

    def supports(self, platform: Platform) -> bool:
        """Return whether the feature is for a platform, which it may name, or name the subdir of."""
        names = self.table.texts("platforms")
        return "platforms" not in self.table or platform.name in names or platform.subdir in names


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: its features, of which the first counts most."""

    name: str
    features: tuple[Feature, ...]
    solve_group: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A pixi manifest. `workspace` is its table of that name, or `project` as older ones call it."""

    file_name: str
    folder: Path
    workspace: Table
    platforms: tuple[Platform, ...]
    environments: Mapping[str, Environment]
    root: Table

    @property
    def name(self) -> str | None:
        """The workspace's name."""
        return self.workspace.text("name")

    def environment(self, name: str | None) -> Environment:
        """Return an environment (None: the default). Raises `InvalidEnvironment` with the list of those there are."""
        found = self.environments.get(name or DEFAULT)
        if found is None:
            raise InvalidEnvironment(
                f"{self.file_name} has no environment {name!r}; it has {', '.join(self.environments)}"
            )
        return found


def parse_manifest(text: str, file_name: str, folder: Path) -> Manifest:
    """Return what a `pixi.toml`, or a `pyproject.toml` with `[tool.pixi]`, says. `folder` is where it is.

    Raises `InvalidEnvironment` for what is not TOML, has no workspace, or refers to features that it lacks.
    """
    document = parse_toml(text, file_name)
    tool = document.table("tool")
    root = tool.table("pixi") if "pixi" in tool else document
    workspace = root.table("workspace") if "workspace" in root else root.table("project")
    if not workspace:
        raise InvalidEnvironment(f"{file_name} is not a pixi manifest: it has no table `{root.key('workspace')}`")
    if "channels" not in workspace:
        raise InvalidEnvironment(f"{file_name}: `{workspace.key('channels')}` is missing")
    groups = dependency_groups(document) if root is not document else {}
    base = groups.pop(DEFAULT, Group())
    if root is not document and "python" not in root.table("dependencies"):
        base = Group(base.requirements, python_requirement(document))
    features = {DEFAULT: Feature(DEFAULT, root, base)}
    for name, table in root.tables("feature"):
        features[name] = Feature(name, table, groups.pop(name, Group()))
    features |= {name: Feature(name, Table({}, file_name), group) for name, group in groups.items()}
    return Manifest(
        file_name=file_name,
        folder=folder,
        workspace=workspace,
        platforms=read_platforms(workspace),
        environments=_environments(root, features),
        root=root,
    )


def _environments(root: Table, features: Mapping[str, Feature]) -> dict[str, Environment]:
    found = {DEFAULT: Environment(DEFAULT, (features[DEFAULT],))}
    named = root.table("environments")
    for name in named:
        if isinstance(named.value(name), list):
            table, names = Table({}, root.file_name), named.texts(name)
        else:
            table = named.table(name)
            names = table.texts("features")
        for feature in names:
            if feature not in features:
                raise InvalidEnvironment(
                    f"{root.file_name}: the environment {name} has a feature {feature!r}, which is not defined"
                )
        parts = [features[feature] for feature in names if feature != DEFAULT]
        if not set(table) <= _OF_ENVIRONMENTS:
            # What an environment says itself counts more than its features.
            parts.insert(0, Feature(name, table))
        if not table.truth("no-default-feature"):
            parts.append(features[DEFAULT])
        found[name] = Environment(name, tuple(parts), table.text("solve-group"))
    return found


def _selects(selector: str, platform: Platform) -> bool:
    """Return whether the key of a table in `target` is for a platform."""
    if prefixes := _FAMILIES.get(selector):
        return platform.subdir.startswith(prefixes)
    if "*" in selector:
        return fnmatchcase(platform.name, selector)
    return selector in (platform.name, platform.subdir)
