"""The targets of a bake: what files, folders and declarations describe, each with the options of the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.baking.targets.environments import find_environments, usable_name
from conda_docker.baking.targets.variants import Variant, read_matrix
from conda_docker.cli.declared.find import Declaration, find_declaration, read_declaration
from conda_docker.cli.declared.images import declared_images
from conda_docker.cli.declared.locked import with_locked
from conda_docker.cli.declared.values import with_declared
from conda_docker.cli.options.arguments import to_destination, to_image_name, to_platforms
from conda_docker.cli.options.bake import NAME, values_of_one
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from conda_docker.user_files import user_path
from python_docker.transports.location import Location

if TYPE_CHECKING:
    from conda_docker.baking.targets.target import Finishing, Target
    from conda_docker.cli.options.asked import AskedBuild

_DECLARING = ("conda-docker.toml", "pixi.toml", "pyproject.toml")


class _Build(NamedTuple):
    """A build before its variants: its name, its options as one build has them, and the file that it is from."""

    name: str
    values: Mapping[str, Any]
    source: Path


def targets_of(
    ctx: click.Context, given: Mapping[str, Any], finishing: Callable[[AskedBuild], Finishing | None]
) -> list[Target]:
    """Return the targets that a command line asks for; `finishing` says what else goes with the images of one.

    Raises `EnvironmentNotFound` where there is nothing, and usage errors.
    """
    builds = _builds(ctx, given)
    variants = read_matrix(given["matrix"])
    named = [(build, variant, variant.name(build.name)) for build in builds for variant in variants]
    chosen = [each for each in named if _is_wanted(each[2], each[0].name, given["only"])]
    for pattern in given["only"]:
        if not any(_is_wanted(full, name, [pattern]) for (name, _, _), _, full in named):
            names = [full for _, _, full in named]
            some = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
            raise EnvironmentNotFound(
                f"--only {pattern}: no image is called so (there are: {some}){did_you_mean(pattern, names)}"
            )
    return [_target(given, build, variant, full, finishing) for build, variant, full in chosen]


def _is_wanted(full: str, name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(each, pattern) for each in (full, name) for pattern in patterns)


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
    for file in find_environments(files):
        values = {**values_of_one(given), "file": (file.path,)}
        with suppress(InvalidEnvironment):  # what is wrong with it is said where it is built
            values = dict(with_locked(ctx, values, {}))
        builds.append(_Build(file.name, values, file.path))
    return builds


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
    common = values_of_one(given)
    found = []
    for name, table in declared_images(declaration).items():
        values = with_declared(ctx, common, table, declaration.path)
        values = dict(with_locked(ctx, values, table))
        found.append(_Build(usable_name(name or declaration.folder.name), values, declaration.path))
    return found


def _target(
    given: Mapping[str, Any],
    build: _Build,
    variant: Variant,
    full: str,
    finishing: Callable[[AskedBuild], Finishing | None],
) -> Target:
    from conda_docker.baking.targets.target import Target
    from conda_docker.cli.options.asked import asked_build

    try:
        values = _in_variant(given, build, variant, full)
        asked = asked_build(values, required=not given["dry_run"])
        return Target(
            name=full,
            request=asked.request,
            image=str(asked.names[0]),
            outputs=asked.locations,
            insecure=values["insecure"],
            ca_bundle=values["cacert"],
            annotations=asked.index_annotations,
            finishing=finishing(asked),
            source=str(build.source),
        )
    except click.UsageError as error:
        raise click.UsageError(f"{build.source}: {error.message}") from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _in_variant(given: Mapping[str, Any], build: _Build, variant: Variant, full: str) -> dict[str, Any]:
    """Return the values of one build, with templates filled in."""
    values = dict(build.values)
    if variant.python is not None:
        values["specs"] = (*values["specs"], f"python={variant.python}")
    if variant.platform is not None:
        values["platform"] = to_platforms("--matrix", [variant.platform])
    if variant.base is not None:
        values["base"] = variant.base
    template = given["image"] or (NAME if values["image"] is None else None)
    if template is not None:
        if given["push"] and template == NAME:
            raise click.UsageError(f"--push needs a registry in the names: --image 'ghcr.io/org/{NAME}'")
        values["image"] = to_image_name("--image", variant.fill(template, build.name))
    if given["tags"]:
        values["tags"] = tuple(to_image_name("--tag", variant.fill(tag, build.name)) for tag in given["tags"])
    if given["outputs"]:
        values["outputs"] = tuple(_output(text, build.name, variant, full) for text in given["outputs"])
    values["push"] = values["push"] or given["push"]
    values["load"] = values["load"] or given["load"]
    return values


def _output(text: str, name: str, variant: Variant, full: str) -> Location:
    """Return the place of one image: a template's, or the layout of its name in a folder."""
    if "{" in text:
        return to_destination("--output", variant.fill(text, name))
    kind, colon, rest = text.partition(":")
    folder = rest if colon and kind == "oci" and ":" not in rest else text
    if text.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")) or (colon and folder == text):
        return to_destination("--output", text)
    return Location("oci", str(Path(folder) / full))
