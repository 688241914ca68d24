"""The layers of an environment's packages: how they are made, and their making."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.topological_order import match_spec_name
from conda_docker.errors import InterpreterNotFound
from conda_docker.layers.make import MadeLayer, make_layers
from conda_docker.layers.member import has_modules_to_compile
from conda_docker.layers.plan import plan_layers
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.interpreter import Interpreters, bytecode_version
from conda_docker.pypi.locked import LockedWheel
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.layers.member import Member
    from conda_docker.layers.stores.folder import FolderStore


def recipe_of(
    environment: LockedEnvironment, prefix: str, options: BuildOptions, notes: list[str], *, place: str | None = None
) -> Recipe:
    """Return how the packages of an environment become layers, which no machine has a say in.

    `place` is where the prefix leads in the base image. Appends to `notes` why modules are not compiled, or raises
    `InterpreterNotFound` with `bytecode="always"`.
    """
    python = environment.python
    bytecode = None
    wanted = options.bytecode is not Bytecode.NEVER and any(map(has_modules_to_compile, members_of(environment)))
    if python is not None and wanted:
        try:
            bytecode = bytecode_version(python)
        except InterpreterNotFound as error:
            _do_without(error, options, notes)
    return Recipe(
        prefix=prefix,
        python_version=None if python is None else python.version,
        site_packages=None if python is None else python.python_site_packages_path,
        bytecode=bytecode,
        compression=options.compression,
        level=options.compression_level,
        trim=options.trim,
        exclude=tuple(options.exclude),
        place=place,
    )


def members_of(environment: LockedEnvironment) -> tuple[Member, ...]:
    """Return all that is installed, in the order of its installation: the last wins a path that several bring."""
    return (*environment.packages, *environment.wheels)


def package_layers(
    environment: LockedEnvironment,
    recipe: Recipe,
    options: BuildOptions,
    store: FolderStore,
    room: int,
    notes: list[str],
    progress: Progress = SILENT,
) -> list[MadeLayer]:
    """Return the layers of an environment's packages, bottom first, and no more than there is `room` for.

    Where modules are to be compiled and no Python for it can be had, they are not, for the reason that is appended to
    `notes`. Raises `DownloadError`, `InvalidPackage`, `CacheError`, and `InterpreterNotFound` with `bytecode="always"`.
    """
    requested = {match_spec_name(spec.rpartition("::")[2]) for spec in environment.requested}
    plan = plan_layers(
        environment.packages,
        wheels=environment.wheels,
        limit=room,
        layering=options.layering,
        requested=requested,
    )
    python = environment.python
    workers = options.workers or os.cpu_count() or 1

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        from conda_docker.package.fetch import fetch_packages
        from conda_docker.pypi.pip_cache import with_cached

        wanted: list[Member] = [member for member in members if not isinstance(member, LockedWheel)]
        wanted += with_cached(member for member in members if isinstance(member, LockedWheel))
        yield from fetch_packages(
            wanted,
            store.root,
            offline=options.offline,
            extracted=options.use_extracted,
            workers=max(4, workers),
            progress=progress,
        )

    def make(recipe: Recipe) -> list[MadeLayer]:
        made = make_layers(
            plan,
            recipe,
            [store] if options.use_cache else [],
            fetch,
            cache=store.folder,
            keep=[store],
            order=members_of(environment),
            replaced=_replaced(environment),
            interpreters=None
            if python is None
            else Interpreters(python, environment.subdir, store.root, options.offline),
            extracted=options.use_extracted or options.offline,
            workers=workers,
            progress=progress,
        )
        by_position = {layer.position: layer for layer in made}
        return [by_position[position] for position in sorted(by_position)]

    try:
        return make(recipe)
    except InterpreterNotFound as error:
        _do_without(error, options, notes)
        return make(recipe.without_bytecode())


def _replaced(environment: LockedEnvironment) -> dict[str, list[str]]:
    """The distributions that wheels replace, by the stems of the conda packages that bring them."""
    replaced: dict[str, list[str]] = {}
    for distribution in environment.replaced:
        replaced.setdefault(distribution.package, []).append(distribution.name)
    return replaced


def _do_without(error: InterpreterNotFound, options: BuildOptions, notes: list[str]) -> None:
    """Note why modules are not compiled, or raise where they must be."""
    if options.bytecode is Bytecode.ALWAYS:
        raise InterpreterNotFound(f"modules cannot be byte-compiled (--bytecode always): {error}") from error
    notes.append(f"Python modules are not byte-compiled: {error}")
