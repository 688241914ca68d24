"""plan_image: all that is decided about an image before anything is made, for a build and for a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conda_docker.build_options import BuildOptions, Bytecode, LinkScripts
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.errors import InterpreterNotFound
from conda_docker.image.base.in_the_way import check_prefix
from conda_docker.image.base.inherited import inherited_notes, unknown_layer_notes
from conda_docker.image.runtime.declared import notes_on_declared
from conda_docker.layers.member import has_modules_to_compile
from conda_docker.layers.plan import LayerPlan, plan_layers
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.interpreter import bytecode_version
from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.spec.timestamps import LAST_SECOND, source_date_epoch

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.layers.member import Member
    from python_docker.image import Image

DEFAULT_PREFIX = "/opt/conda"


class ImagePlan(NamedTuple):
    """An environment, the base that it goes on (None: from scratch), and how its packages become layers.

    `notes` is what the user should hear of the decisions.
    """

    environment: LockedEnvironment
    base: Image | None
    system: BaseSystem
    recipe: Recipe
    layers: LayerPlan
    notes: tuple[str, ...] = ()


def plan_image(
    environment: LockedEnvironment, base: Image | None, system: BaseSystem, options: BuildOptions
) -> ImagePlan:
    """Return how an environment goes on a base, whose `system` is known; nothing is read.

    Raises `PlatformNotFound` for a base of another platform, `UnsupportedFormat` for one with too many layers or with a
    file where the environment is to live, and `InterpreterNotFound` with `bytecode="always"` where modules cannot be
    compiled.
    """
    check_base(environment, base, options)
    prefix, of_prefix = choose_prefix(environment, base, options)
    check_prefix(prefix, system)
    recipe, of_recipe = recipe_of(environment, prefix, options, place=system.real_path(prefix))
    notes = [*of_prefix, *of_recipe]
    groups = plan_layers(
        environment.packages,
        wheels=environment.wheels,
        limit=_room(base, options, environment),
        layering=options.layering,
        requested={match_spec_name(spec.rpartition("::")[2]) for spec in environment.requested},
    )
    if options.profile is not None and environment.installed is None:
        from conda_docker.profiles.table import PROFILES

        names = [*(package.name for package in environment.packages), *(wheel.name for wheel in environment.wheels)]
        lack = PROFILES[options.profile].lacks(names)
        notes += [] if lack is None else [lack]
    if system.problem is not None:
        notes.append(
            "the files of the base image cannot be read, so nothing is known of its system, and engines may refuse it: "
            f"{system.problem}"
        )
    inherited = {} if base is None else base.config.environment
    notes += notes_on_declared(options.env, inherited, recipe.prefix, options.activate)
    if base is not None:
        has_python = environment.python is not None
        notes += inherited_notes(base.config, recipe.prefix, options.env, has_python=has_python)
        notes += unknown_layer_notes(base) if system.problem is None else []
    layers = LayerPlan(groups, members_of(environment), replaced_by_wheels(environment))
    return ImagePlan(environment, base, system, recipe, layers, tuple(notes))


def check_base(environment: LockedEnvironment, base: Image | None, options: BuildOptions) -> None:
    """Raise `PlatformNotFound` or `UnsupportedFormat` for a base that cannot be built on, before anything is read."""
    _check_platform(environment, base)
    _room(base, options, environment)


def created_seconds(environment: LockedEnvironment) -> int:
    """Return the image's time, in seconds since 1970: SOURCE_DATE_EPOCH, else that of the newest package."""
    epoch = source_date_epoch()
    if epoch is not None:
        return epoch
    times = [package.timestamp or 0 for package in environment.packages]
    return max((time if time <= LAST_SECOND else time // 1000 for time in times), default=0)


def recipe_of(
    environment: LockedEnvironment, prefix: str, options: BuildOptions, *, place: str | None = None
) -> tuple[Recipe, list[str]]:
    """Return how the packages of an environment become layers, which no machine has a say in, and notes about it.

    `place` is where the prefix leads in the base image. The notes say why modules are not compiled; with
    `bytecode="always"`, `InterpreterNotFound` is raised instead.
    """
    notes = []
    python = environment.python
    bytecode = None
    wanted = options.bytecode is not Bytecode.NEVER and any(map(has_modules_to_compile, members_of(environment)))
    if python is not None and wanted:
        try:
            bytecode = bytecode_version(python)
        except InterpreterNotFound as error:
            notes.append(do_without(error, options))
    recipe = Recipe(
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
    return recipe, notes


def members_of(environment: LockedEnvironment) -> tuple[Member, ...]:
    """Return all that is installed, in the order of its installation: the last wins a path that several bring."""
    return (*environment.packages, *environment.wheels)


def replaced_by_wheels(environment: LockedEnvironment) -> dict[str, list[str]]:
    """Return the distributions that wheels replace, by the stems of the conda packages that bring them."""
    replaced: dict[str, list[str]] = {}
    for distribution in environment.replaced:
        replaced.setdefault(distribution.package, []).append(distribution.name)
    return replaced


def choose_prefix(
    environment: LockedEnvironment, base: Image | None, options: BuildOptions
) -> tuple[str, tuple[str, ...]]:
    """Return where the environment lives, and notes about it: where the options say, else in `/opt/conda`.

    A base such as miniconda3 has an environment of its own at `/opt/conda`, as its PATH shows. Two environments in one
    folder would be neither; there, the default is `/opt/conda/envs/<name>`.
    """
    path = [] if base is None else base.config.environment.get("PATH", "").split(":")
    if options.prefix is not None:
        if f"{options.prefix}/bin" not in path:
            return options.prefix, ()
        mixed = (
            f"{options.prefix}/bin is in the base image's PATH: the environment is mixed with what the base has there"
        )
        return options.prefix, (mixed,)
    if f"{DEFAULT_PREFIX}/bin" not in path:
        return DEFAULT_PREFIX, ()
    prefix = f"{DEFAULT_PREFIX}/envs/{environment.name or 'app'}"
    return prefix, (f"the base image has an environment at {DEFAULT_PREFIX} already; this one lives at {prefix}",)


def _check_platform(environment: LockedEnvironment, base: Image | None) -> None:
    wanted = platform_of_subdir(environment.subdir)
    if base is not None and not wanted.accepts(base.platform):
        raise PlatformNotFound(
            f"the base image is for {base.platform}, the environment ({environment.subdir}) for {wanted}; "
            "choose another base or --platform"
        )


def _room(base: Image | None, options: BuildOptions, environment: LockedEnvironment) -> int:
    """Return how many layers packages may have, next to the base's, the environment's own and those of other files."""
    scripts = options.link_scripts is LinkScripts.RUN
    base_layers = 0 if base is None else len(base.layers)
    installed = environment.installed
    prefix = 0 if installed is None else bool(installed.distributions) + 1
    projects = sum(wheel.project for wheel in environment.wheels)
    own = 1 + bool(options.add) + bool(options.sbom_in_image)
    room = options.max_layers - base_layers - own - scripts - prefix - projects
    if room < 1:
        layers = "layer" if base_layers == 1 else "layers"
        raise UnsupportedFormat(
            f"the base image has {base_layers} {layers}, which leaves no room for packages among the "
            f"{options.max_layers} that an image may have here (--max-layers)"
        )
    return room


def do_without(error: InterpreterNotFound, options: BuildOptions) -> str:
    """Return a note that says why modules are not compiled. Raises `InterpreterNotFound` where they must be."""
    if options.bytecode is Bytecode.ALWAYS:
        raise InterpreterNotFound(f"modules cannot be byte-compiled (--bytecode always): {error}") from error
    return f"Python modules are not byte-compiled: {error}"
