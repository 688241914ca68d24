"""The targets of a bake: what files, folders and declarations describe, each with the options of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from conda_docker.arguments.listing import first_of
from conda_docker.arguments.spelling import did_you_mean
from conda_docker.baking.targets.environments import find_environments
from conda_docker.baking.targets.variants import Variant, read_matrix
from conda_docker.cli.declared.builds import content_of_values, declared_builds, in_variant
from conda_docker.cli.declared.find import Declaration, find_declaration, read_declaration
from conda_docker.cli.declared.locked import with_locked
from conda_docker.cli.options.arguments import to_destination, to_image_name
from conda_docker.cli.options.asked.destinations import reuses_replaced
from conda_docker.cli.options.bake import NAME, values_of_one
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment, InvalidPolicy
from conda_docker.user_files import user_path
from python_docker.errors import InvalidVariable
from python_docker.transports.location import Location

if TYPE_CHECKING:
    from conda_docker.baking.targets.target import Finishing, Target
    from conda_docker.cli.options.asked.build import AskedBuild

_DECLARING = ("conda-docker.toml", "pixi.toml", "pyproject.toml")


class _Build(NamedTuple):
    """A build in one variant: its names, its options as one build has them, and the file that it is from."""

    name: str
    variant: Variant
    values: Callable[[], Mapping[str, Any]]
    source: Path

    @property
    def full_name(self) -> str:
        """The name of the image with its variant."""
        return self.variant.name(self.name)


def targets_of(
    ctx: click.Context, given: Mapping[str, Any], finishing: Callable[[AskedBuild], Finishing | None]
) -> list[Target]:
    """Return the targets that a command line asks for; `finishing` says what else goes with the images of one.

    Raises `EnvironmentNotFound` where there is nothing, and usage errors.
    """
    builds = _builds(ctx, given)
    for pattern in given["only"]:
        if not any(_is_wanted(build, [pattern]) for build in builds):
            names = [build.full_name for build in builds]
            some = first_of(names, 10)
            raise EnvironmentNotFound(
                f"--only {pattern}: no image has this name (there are: {some}){did_you_mean(pattern, names)}"
            )
    return [_target(given, build, finishing) for build in builds if _is_wanted(build, given["only"])]


def _is_wanted(build: _Build, patterns: Sequence[str]) -> bool:
    names = (build.full_name, build.name)
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _builds(ctx: click.Context, given: Mapping[str, Any]) -> list[_Build]:
    inputs: Sequence[str] = given["inputs"]
    if not inputs:
        declaration = find_declaration()
        if declaration is None:
            raise click.UsageError(
                "give files, folders or patterns; nothing is declared here, in conda-docker.toml or the like"
            )
        return _declared(ctx, given, declaration)
    builds: list[_Build] = []
    files: list[str] = []
    for item in inputs:
        declaration = _declaration_at(user_path(item))
        if declaration is None:
            files.append(item)
        else:
            builds += _declared(ctx, given, declaration)
    variants = read_matrix(given["matrix"])
    for file in find_environments(files):
        builds += [
            _Build(file.name, variant, partial(_values_of_file, ctx, given, file.path, variant), file.path)
            for variant in variants
        ]
    return builds


def _values_of_file(ctx: click.Context, given: Mapping[str, Any], path: Path, variant: Variant) -> Mapping[str, Any]:
    values = {**values_of_one(given), "file": (path,)}
    with suppress(InvalidEnvironment):  # what is wrong with it is said where it is built
        values = dict(with_locked(ctx, values, {}))
    return in_variant(values, variant)


def _declaration_at(path: Path) -> Declaration | None:
    """Return what a file, or the file in a folder, declares; None where it declares nothing."""
    candidates = [path / name for name in _DECLARING] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.name in _DECLARING and candidate.is_file():
            table = read_declaration(candidate)
            if table is not None:
                return Declaration(candidate.absolute(), table)
    return None


def _declared(ctx: click.Context, given: Mapping[str, Any], declaration: Declaration) -> list[_Build]:
    matrix = read_matrix(given["matrix"]) if given["matrix"] else None
    common = values_of_one(given)
    return [
        _Build(each.name, each.variant, partial(each.values, ctx, common, declaration), declaration.path)
        for each in declared_builds(declaration, matrix=matrix)
    ]


def _target(given: Mapping[str, Any], build: _Build, finishing: Callable[[AskedBuild], Finishing | None]) -> Target:
    from conda_docker.baking.targets.target import Target
    from conda_docker.cli.options.asked.build import asked_build

    with _said_of(build):
        values = _named(given, build)
    if not (given["dry_run"] or values["outputs"] or values["push"] or values["load"]):
        raise click.UsageError(
            "say where the images go: -o DIR (an OCI layout for each), -o 'images/{name}.tar' (files), --load (the "
            "local Docker or Podman), or --push with -i 'REGISTRY/{name}'"
        )
    with _said_of(build):
        asked = asked_build(values, required=False)
        return Target(
            name=build.full_name,
            request=asked.request,
            image=str(asked.names[0]),
            outputs=asked.locations,
            insecure=values["insecure"],
            ca_bundle=values["cacert"],
            annotations=asked.index_annotations,
            finishing=finishing(asked),
            source=str(build.source),
            reuse_replaced=reuses_replaced(asked.locations, values),
        )


@contextmanager
def _said_of(build: _Build) -> Iterator[None]:
    """Have usage errors name the file of a build, and values that are not valid be usage errors."""
    try:
        yield
    except click.UsageError as error:
        source = str(build.source)
        raise click.UsageError(error.message if source in error.message else f"{source}: {error.message}") from None
    except (InvalidPolicy, InvalidVariable):  # of files, and of the environment of this process
        raise
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _named(given: Mapping[str, Any], build: _Build) -> dict[str, Any]:
    """Return the values of one build, with the names and places that the command line has for all."""
    values = dict(build.values())

    def fill(template: str) -> str:
        return build.variant.fill(template, build.name, lambda: content_of_values(values))

    template = given["image"] or (NAME if values["image"] is None else None)
    if template is not None:
        if given["push"] and template == NAME:
            raise click.UsageError(f"--push needs a registry in the names: --image 'ghcr.io/org/{NAME}'")
        values["image"] = to_image_name("--image", fill(template))
    if given["tags"]:
        values["tags"] = tuple(to_image_name("--tag", fill(tag)) for tag in given["tags"])
    if given["outputs"]:
        values["outputs"] = tuple(_output(text, fill, build.full_name) for text in given["outputs"])
    values["push"] = values["push"] or given["push"]
    values["load"] = values["load"] or given["load"]
    return values


def _output(text: str, fill: Callable[[str], str], full: str) -> Location:
    """Return the place of one image: a template's, or the layout of its name in a folder."""
    if "{" in text:
        return to_destination("--output", fill(text))
    kind, colon, rest = text.partition(":")
    folder = rest if colon and kind == "oci" and ":" not in rest else text
    if text.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")) or (colon and folder == text):
        return to_destination("--output", text)
    return Location("oci", str(Path(folder) / full))
