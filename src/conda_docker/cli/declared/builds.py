"""The builds that a declaration comes to: each image, once for every combination of its matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.baking.targets.environments import usable_name
from conda_docker.baking.targets.variants import Variant, combinations
from conda_docker.cli.declared.find import Declaration
from conda_docker.cli.declared.images import MATRIX, declared_images
from conda_docker.cli.declared.locked import with_locked
from conda_docker.cli.declared.values import with_declared
from conda_docker.cli.options.arguments import to_platforms
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment

_TEMPLATES = ("image", "tag", "output")
"""Keys of which values may have placeholders, such as {name} and {tag}."""


@dataclass(frozen=True, slots=True)
class DeclaredBuild:
    """An image that a file declares, in one variant; `table` are its options."""

    name: str
    variant: Variant
    table: Mapping[str, Any]

    @property
    def full_name(self) -> str:
        """The name of the image with its variant."""
        return self.variant.name(self.name)

    def values(self, ctx: click.Context, given: Mapping[str, Any], declaration: Declaration) -> dict[str, Any]:
        """Return the values of a command's options, with what is declared for those that were not given."""
        templates = {key: self.table[key] for key in _TEMPLATES if key in self.table}
        others = {key: value for key, value in self.table.items() if key not in templates}
        values = dict(with_locked(ctx, with_declared(ctx, given, others, declaration.path), others))
        values = in_variant(values, self.variant)
        try:
            filled = {key: self._filled(value, values) for key, value in templates.items()}
        except ValueError as error:
            raise click.UsageError(f"{declaration.path}: {error}") from None
        return with_declared(ctx, values, filled, declaration.path)

    def _filled(self, value: object, values: Mapping[str, Any]) -> object:
        if isinstance(value, list):
            return [self._filled(item, values) for item in value]
        if isinstance(value, str):
            return self.variant.fill(value, self.name, lambda: content_of_values(values))
        return value


def declared_builds(
    declaration: Declaration, wanted: Sequence[str] = (), *, matrix: Sequence[Variant] | None = None
) -> list[DeclaredBuild]:
    """Return the builds of a declaration: those of the images, or the variants, that are `wanted`; all where none is.

    A `matrix` takes the place of the declared ones. Raises `EnvironmentNotFound` for a name that there is not, and
    `InvalidEnvironment` for what cannot be a matrix.
    """
    builds = []
    for name, table in declared_images(declaration).items():
        options = {key: value for key, value in table.items() if key != MATRIX}
        variants = declared_variants(declaration, table.get(MATRIX, {})) if matrix is None else matrix
        image = usable_name(name or declaration.folder.name)
        builds += [DeclaredBuild(image, variant, options) for variant in variants]
    names = list(dict.fromkeys(name for build in builds for name in (build.name, build.full_name)))
    for name in wanted:
        if usable_name(name) not in names and name not in names:
            known = ", ".join(names)
            raise EnvironmentNotFound(
                f"{declaration.path} declares no image {name!r} (there are: {known}){did_you_mean(name, names)}"
            )
    chosen = {*wanted, *map(usable_name, wanted)}
    return [build for build in builds if not chosen or {build.name, build.full_name} & chosen]


def declared_variants(declaration: Declaration, matrix: object) -> list[Variant]:
    """Return all combinations of a matrix in a declaration. Raises `InvalidEnvironment`."""
    where = f"{declaration.path}: {MATRIX}"
    if not isinstance(matrix, dict):
        raise InvalidEnvironment(f'{where} must be a table, such as {{ python = ["3.11", "3.12"] }}, not {matrix!r}')
    axes: dict[str, list[str]] = {}
    for key, value in matrix.items():
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            hint = ' (a version is a string, as in "3.10")' if key == "python" else ""
            raise InvalidEnvironment(f"{where}.{key} must be a list of strings{hint}, not {value!r}")
        axes[key] = values
    try:
        return combinations(axes)
    except ValueError as error:
        raise InvalidEnvironment(f"{where}: {error}") from None


def in_variant(values: Mapping[str, Any], variant: Variant) -> dict[str, Any]:
    """Return the values of a build in a variant of it. Raises `InvalidPlatform`."""
    changed = dict(values)
    if variant.python is not None:
        changed["specs"] = (*values["specs"], f"python={variant.python}")
    if variant.platform is not None:
        changed["platform"] = to_platforms("platform", [variant.platform])
    if variant.base is not None:
        changed["base"] = variant.base
    return changed


def content_of_values(values: Mapping[str, Any]) -> str:
    """Return the digest of what describes the environment of a build. Raises `ValueError`; see `content_of`."""
    from conda_docker.baking.targets.content import content_of
    from conda_docker.request import Request

    return content_of(
        Request(
            specs=values["specs"],
            files=values["file"],
            name=values["name"],
            prefix=values["prefix"],
            environment=values["environment"],
            categories=values["category"],
            channels=values["channel"],
            platforms=values["platform"],
        )
    )
