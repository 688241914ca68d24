"""The pipeline: an environment and a base image become an image.

LockedEnvironment ──recipe_of──> Recipe ──make_layers──> layers ──┐
base image ───────────────────────────────────────────────────────┴──assemble──> Image
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import Activate, BuildOptions, Bytecode, LinkScripts
from conda_docker.cache.location import default_cache_dir
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.environment.topological_order import match_spec_name
from conda_docker.errors import InterpreterNotFound
from conda_docker.image import provenance
from conda_docker.image.activation import Activation, activate, with_scripts
from conda_docker.image.base_system import LOADERS, BaseSystem, read_base_system
from conda_docker.image.config import configure, describe
from conda_docker.image.environment_layer import environment_layer
from conda_docker.image.gpu import gpu_variables
from conda_docker.image.script_layers import activation_variables, link_script_layer
from conda_docker.image.users import container_user
from conda_docker.layers.make import MadeLayer, make_layers
from conda_docker.layers.member import has_modules_to_compile
from conda_docker.layers.plan import plan_layers
from conda_docker.layers.recipe import Recipe
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.link.bytecode.interpreter import Interpreters, bytecode_version
from conda_docker.package.complete import complete_environment
from conda_docker.pypi.locked import LockedWheel
from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.layer import Layer
from python_docker.progress import SILENT, Progress
from python_docker.spec.timestamps import LAST_SECOND, rfc3339, source_date_epoch

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.layers.member import Member
    from python_docker.spec.digest import Digest

DEFAULT_PREFIX = "/opt/conda"


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer of a build: names of its packages (none for the environment's own), sizes in bytes, time in seconds."""

    packages: tuple[str, ...]
    digest: Digest
    diff_id: Digest
    size: int
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class BuildResult:
    """An image, and what is worth knowing of how it came about.

    `layers` are the new ones, bottom first, without the base's. `post_link` names packages whose post-link scripts
    were not run; `trimmed_files` and `trimmed_bytes` count what the filter left out of them.
    """

    image: Image
    prefix: str
    layers: tuple[LayerReport, ...]
    post_link: tuple[str, ...] = ()
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    notes: tuple[str, ...] = ()


def build_image(
    environment: LockedEnvironment,
    base: Image | None = None,
    options: BuildOptions | None = None,
    *,
    progress: Progress = SILENT,
) -> BuildResult:
    """Build the image of an environment on `base` (None: from scratch), which is left as it is.

    Layers that the cache has are not built again, and their packages neither downloaded nor read. The image's name
    is the base's until it is set.

    Raises `PlatformNotFound` for a base of another platform, `UnsupportedFormat` for one with too many layers,
    `DownloadError`, `InvalidPackage`, `CacheError`, and `InterpreterNotFound` with `bytecode="always"`.
    """
    options = options or BuildOptions()
    image = base.copy() if base is not None else Image(platform=platform_of_subdir(environment.subdir))
    _check_base(environment, image, base)
    notes: list[str] = []
    prefix = choose_prefix(environment, image, options, notes)
    room = _room(image, options)
    cache_dir = options.cache_dir or default_cache_dir()
    system = read_base_system(base, cache_dir) if base is not None else BaseSystem()
    environment = complete_environment(environment, cache_dir, offline=options.offline, progress=progress)

    recipe = replace(recipe_of(environment, prefix, options, notes), place=system.real_path(prefix))
    requested = {match_spec_name(spec.rpartition("::")[2]) for spec in environment.requested}
    plan = plan_layers(
        environment.packages,
        wheels=environment.wheels,
        limit=room,
        layering=options.layering,
        requested=requested,
    )
    made = _make(plan, recipe, environment, options, cache_dir, notes, progress)
    return _assemble(environment, image, base, system, recipe, options, made, FolderStore(cache_dir), notes)


def recipe_of(environment: LockedEnvironment, prefix: str, options: BuildOptions, notes: list[str]) -> Recipe:
    """Return how the packages of an environment become layers, which no machine has a say in.

    Appends to `notes` why modules are not compiled, or raises `InterpreterNotFound` with `bytecode="always"`.
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
    )


def members_of(environment: LockedEnvironment) -> tuple[Member, ...]:
    """Return all that is installed, in the order of its installation: the last wins a path that several bring."""
    return (*environment.packages, *environment.wheels)


def choose_prefix(environment: LockedEnvironment, image: Image, options: BuildOptions, notes: list[str]) -> str:
    """Return where the environment lives: where the options say, else `/opt/conda`.

    A base such as miniconda3 has an environment of its own at `/opt/conda`, as its PATH tells. Two environments in one
    folder would be neither; there, the default is `/opt/conda/envs/<name>`.
    """
    path = image.config.environment.get("PATH", "").split(":")
    if options.prefix is not None:
        if f"{options.prefix}/bin" in path:
            notes.append(
                f"the base image seems to have an environment at {options.prefix} already; the two are mixed now"
            )
        return options.prefix
    if f"{DEFAULT_PREFIX}/bin" not in path:
        return DEFAULT_PREFIX
    prefix = f"{DEFAULT_PREFIX}/envs/{environment.name or 'app'}"
    notes.append(f"the base image has an environment at {DEFAULT_PREFIX} already; this one lives at {prefix}")
    return prefix


def created_seconds(environment: LockedEnvironment) -> int:
    """Return the image's time, in seconds since 1970: SOURCE_DATE_EPOCH, else that of the newest package."""
    epoch = source_date_epoch()
    if epoch is not None:
        return epoch
    times = [package.timestamp or 0 for package in environment.packages]
    return max((time if time <= LAST_SECOND else time // 1000 for time in times), default=0)


def _check_base(environment: LockedEnvironment, image: Image, base: Image | None) -> None:
    wanted = platform_of_subdir(environment.subdir)
    if base is not None and not wanted.accepts(image.platform):
        raise PlatformNotFound(
            f"the base image is for {image.platform}, the environment ({environment.subdir}) for {wanted}; "
            "choose another base or --platform"
        )


def _room(image: Image, options: BuildOptions) -> int:
    """How many layers packages may have, beside the base's, the environment's own and one for added files."""
    scripts = options.link_scripts is LinkScripts.RUN
    room = options.max_layers - len(image.layers) - 1 - bool(options.add) - scripts
    if room < 1:
        raise UnsupportedFormat(
            f"the base image has {len(image.layers)} layers, which leaves no room for packages among the "
            f"{options.max_layers} that an image may have here (--max-layers)"
        )
    return room


def _make(
    plan: Sequence[Sequence[Member]],
    recipe: Recipe,
    environment: LockedEnvironment,
    options: BuildOptions,
    cache_dir: Path,
    notes: list[str],
    progress: Progress,
) -> list[MadeLayer]:
    """The layers of the environment's packages, bottom first."""
    store = FolderStore(cache_dir)
    python = environment.python
    workers = options.workers or os.cpu_count() or 1

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        from conda_docker.package.fetch import fetch_packages
        from conda_docker.pypi.pip_cache import with_cached

        wanted: list[Member] = [member for member in members if not isinstance(member, LockedWheel)]
        wanted += with_cached(member for member in members if isinstance(member, LockedWheel))
        yield from fetch_packages(
            wanted,
            cache_dir,
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
            else Interpreters(python, environment.subdir, cache_dir, options.offline),
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


def _assemble(
    environment: LockedEnvironment,
    image: Image,
    base: Image | None,
    system: BaseSystem,
    recipe: Recipe,
    options: BuildOptions,
    made: Sequence[MadeLayer],
    store: FolderStore,
    notes: list[str],
) -> BuildResult:
    """Put the layers on the base, and the environment's own on top."""
    prefix = recipe.prefix
    created = created_seconds(environment)
    reports = []
    for layer in made:
        history = provenance.packages_history(layer.members, prefix, rfc3339(created))
        image.add_layer(Layer(layer.layer.blob, layer.layer.diff_id, history=(history,)))
        reports.append(_report(layer.layer, layer.members, layer.cached, layer.seconds))
    post_link = {name for layer in made for name in layer.facts.post_link}
    linked = [package for package in environment.packages if package.name in post_link]
    started = time.monotonic()
    scripts = link_script_layer(image, linked, recipe, options, store, created, notes)
    if scripts is not None:
        history = provenance.link_scripts_history(linked, prefix, rfc3339(created))
        image.add_layer(Layer(scripts.blob, scripts.diff_id, history=(history,)))
        reports.append(_report(scripts, seconds=time.monotonic() - started))
    activation = _activation(environment, image, system, recipe, options, made, store)
    user = None
    if options.user is not None and system.problem is None:
        user = container_user(options.user, system, name=options.user_name, home=options.home)
    started = time.monotonic()
    own = environment_layer(environment, recipe, activation, user, system if base is not None else None, created)
    history = provenance.environment_history(environment, prefix, rfc3339(created))
    image.add_layer(Layer(own.blob, own.diff_id, history=(history,)))
    reports.append(_report(own, seconds=time.monotonic() - started))
    if options.add:
        reports.append(_report(image.add_layer_paths(options.add, recursive=True)))
    configure(
        image,
        base,
        prefix,
        options,
        activation,
        gpu_variables(environment.packages, image.config.environment),
        user,
        has_python=environment.python is not None,
    )
    describe(image, base, options, rfc3339(created))
    return BuildResult(
        image,
        prefix,
        tuple(reports),
        () if options.link_scripts is LinkScripts.RUN else tuple(sorted(post_link)),
        sum(layer.facts.trimmed_files for layer in made),
        sum(layer.facts.trimmed_bytes for layer in made),
        (
            *environment.warnings,
            *notes,
            *_layer_notes(made),
            *_system_notes(environment, system, made),
            *activation.notes,
        ),
    )


def _activation(
    environment: LockedEnvironment,
    image: Image,
    system: BaseSystem,
    recipe: Recipe,
    options: BuildOptions,
    made: Sequence[MadeLayer],
    store: FolderStore,
) -> Activation:
    """What activating the environment comes to, with what activation scripts set where they can be run here."""
    scripts = [script for layer in made for script in layer.facts.activate]
    activation = activate(
        options.activate,
        recipe.prefix,
        base_variables=image.config.environment,
        package_variables={name: fields for layer in made for name, fields in layer.facts.variables.items()},
        environment_variables=environment.variables,
        scripts=scripts,
        is_root_prefix=any(package.name == "conda" for package in environment.packages),
        shell=_shell(environment, system, recipe.prefix),
    )
    if not scripts or options.activate is Activate.NEVER:
        return activation
    variables = {**image.config.environment, **activation.variables}
    evaluated = activation_variables(image, sorted(scripts), recipe, variables, store)
    return with_scripts(activation, scripts, evaluated)


def _shell(environment: LockedEnvironment, system: BaseSystem, prefix: str) -> str | None:
    """The shell that an entrypoint is read by: the base's, else the environment's own, None where there is none."""
    if system.shells or system.problem is not None:
        return "/bin/sh"
    own = next((package.name for package in environment.packages if package.name in ("bash", "dash")), None)
    return None if own is None else f"{prefix}/bin/{own}"


def _system_notes(environment: LockedEnvironment, system: BaseSystem, made: Sequence[MadeLayer]) -> Iterator[str]:
    """What the base lacks that the environment's programs need."""
    loader = LOADERS.get(environment.subdir)
    if system.problem is not None or loader is None or loader in system.loaders:
        return
    if any(layer.facts.programs for layer in made):
        yield (
            f"the programs of this environment cannot start: they need {loader}, which is part of glibc, and the base "
            "image has none; use a base with glibc, such as debian:stable-slim"
        )


def _layer_notes(made: Sequence[MadeLayer]) -> Iterator[str]:
    for layer in made:
        yield from layer.facts.notes
    extracted = sum(len(layer.members) for layer in made if layer.extracted)
    if extracted:
        yield f"{extracted} packages were read from extracted folders: from archives, the digest may be another"
    for layer in made:
        for stem, number in layer.overwritten.items():
            files, are = ("files", "are") if number > 1 else ("file", "is")
            yield f"{number} {files} of the conda package {stem} {are} overwritten by pip packages"
        for folder in layer.outside:
            yield f"{folder} is a folder in one package and a link out of the environment in another; the last one wins"
    uncompiled = [name for layer in made for name in layer.facts.uncompiled]
    if uncompiled:
        more = f" and {len(uncompiled) - 3} more" if len(uncompiled) > 3 else ""
        yield f"modules without a .pyc file, since they do not compile: {', '.join(uncompiled[:3])}{more}"


def _report(layer: Layer, members: Sequence[Member] = (), cached: bool = False, seconds: float = 0.0) -> LayerReport:
    names = tuple(member.name for member in members)
    return LayerReport(names, layer.digest, layer.diff_id, layer.size, cached, seconds)


__all__ = ["BuildResult", "LayerReport", "build_image", "choose_prefix", "recipe_of"]
