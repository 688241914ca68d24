"""Keys of a manifest that are not known: an error where they say which package is wanted, else perhaps a warning.

The keys are in pixi's reference, "The `pixi.toml` manifest". pixi adds tables and keys, so one that resembles none of
those that are known is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from conda_docker.arguments.spelling import nearest
from conda_docker.environment.inputs.pixi.toml_table import Table

_SOURCE = ("git", "branch", "tag", "rev", "subdirectory", "path", "url")
CONDA = frozenset(
    {"version", "build", "build-number", "file-name", "channel", "subdir", "md5", "sha256", "license", "license-family"}
) | {*_SOURCE, "workspace", "extras", "flags", "track-features", "when"}
"""What a dependency on a conda package may say."""
PYPI = frozenset({"version", "extras", "env-markers", "editable", "index", "workspace", *_SOURCE})
"""What a dependency on a package of the Python index may say."""

_PACKAGES = ("dependencies", "host-dependencies", "build-dependencies", "pypi-dependencies", "constraints", "dev")
_OF_TARGETS = (*_PACKAGES, "pypi-options", "activation", "tasks")
_OF_FEATURES = (*_OF_TARGETS, "channels", "channel-priority", "solve-strategy", "platforms", "system-requirements")
_OF_WORKSPACES = (
    *("name", "version", "description", "authors", "license", "license-file", "readme", "homepage", "repository"),
    *("documentation", "channels", "channel-priority", "platforms", "solve-strategy", "exclude-newer", "dependencies"),
    *("conda-pypi-map", "pypi-options", "preview", "build-variants", "build-variants-files", "requires-pixi"),
    *("s3-options", "target"),
)
_OF_ROOTS = (
    *(*_OF_TARGETS, "system-requirements", "workspace", "project", "package", "target", "feature", "environments"),
    *("exclude-newer", "pypi-exclude-newer", "tool", "$schema"),
)
_NEAR = 0.8  # one or two letters of a name


def check_dependency(dependencies: Table, name: str, known: Collection[str]) -> None:
    """Raise `InvalidEnvironment` for a key that a dependency cannot have, with the one that may be meant."""
    for key in dependencies.table(name):
        if key not in known:
            near = nearest(key, sorted(known))
            hint = f"; did you mean `{near}`?" if near else f"; it may have {', '.join(sorted(known))}"
            raise dependencies.invalid(name, f"has an unknown key `{key[:80]}`{hint}")


def misspelt(root: Table, workspace: Table) -> Iterator[str]:
    """Yield a warning for each table or key of a manifest that is not known and resembles one that is."""
    yield from _misspelt(root, _OF_ROOTS)
    yield from _misspelt(workspace, _OF_WORKSPACES)
    for _, table in root.tables("target"):
        yield from _misspelt(table, _OF_TARGETS)
    for _, feature in root.tables("feature"):
        yield from _misspelt(feature, (*_OF_FEATURES, "target"))
        for _, table in feature.tables("target"):
            yield from _misspelt(table, _OF_TARGETS)


def _misspelt(table: Table, known: Collection[str]) -> Iterator[str]:
    for key in table:
        if key not in known and (near := nearest(key, known, cutoff=_NEAR)):
            yield f"{table.where(key)} is not known and was ignored; did you mean `{near}`?"
