"""The pipeline: an environment and a base image become an image.

LockedEnvironment ──┬──plan_image──> ImagePlan ──package_layers──> layers ──┐
base image ─────────┴───────────────────────────────────────────────────────┴──> Image, notes
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.build_options import Activate, BuildOptions, LinkScripts
from conda_docker.cache.location import default_cache_dir
from conda_docker.environment.activation_script import script_files
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.image import provenance
from conda_docker.image.base_system import BaseSystem, read_base_system
from conda_docker.image.build_record import BuildRecord
from conda_docker.image.content.environment_layer import environment_layer
from conda_docker.image.content.package_layers import package_layers
from conda_docker.image.content.script_layers import activation_variables, link_script_layer
from conda_docker.image.plan import ImagePlan, check_base, created_seconds, plan_image
from conda_docker.image.result import BuildResult, LayerReport, layer_notes, report_layer, system_notes
from conda_docker.image.runtime.activation import Activation, activate, with_scripts
from conda_docker.image.runtime.config import configure, describe
from conda_docker.image.runtime.gpu import gpu_variables
from conda_docker.image.runtime.users import container_user, home_of
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.recipe import Recipe
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.package.fetch.complete import complete_environment
from python_docker.image import Image
from python_docker.image.layer import Layer
from python_docker.progress import SILENT, Progress
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.content.package_layers import Repositories
    from conda_docker.layers.stores.replaced import ReplacedImages
    from python_docker.copying.delivery import Delivery


def build_image(
    environment: LockedEnvironment,
    base: Image | None = None,
    options: BuildOptions | None = None,
    *,
    progress: Progress = SILENT,
    delivery: Delivery | None = None,
    replaced: ReplacedImages | None = None,
    repositories: Repositories | None = None,
    facts_alone: bool = False,
) -> BuildResult:
    """Build the image of an environment on `base` (None: from scratch), which is left as it is.

    Layers that the cache has are not built again, and their packages neither downloaded nor read. With `facts_alone`,
    layers that were made once count although their bytes are not kept: they are made again when they are read. Each
    layer, the base's first, leaves by `delivery` as soon as it is there. Layers of images that are `replaced` are used
    again, and it hears of those that there are now. Builds that have layer `repositories` in common may have them open
    already (None: as the options say). The image's name is the base's until it is set.

    Raises `PlatformNotFound` for a base of another platform, `UnsupportedFormat` for one with too many layers,
    `DownloadError`, `InvalidPackage`, `CacheError`, and `InterpreterNotFound` with `bytecode="always"`.
    """
    options = options or BuildOptions()
    check_base(environment, base, options)
    cache_dir = options.cache_dir or default_cache_dir()
    system = read_base_system(base, cache_dir) if base is not None else BaseSystem()
    environment = complete_environment(environment, cache_dir, offline=options.offline, progress=progress)

    plan = plan_image(environment, base, system, options)
    store, notes = FolderStore(cache_dir, facts_alone=facts_alone), list(plan.notes)
    if base is not None and delivery is not None:
        begin_base(base, delivery)
    made, recipe = package_layers(plan, options, store, notes, progress, delivery, replaced, repositories)
    return _assemble(replace(plan, recipe=recipe), options, made, store, notes)


def begin_base(base: Image, delivery: Delivery) -> None:
    """Start sending the layers of a base image, the lowest first; those already sent are not sent again."""
    for layer in reversed(base.layers):
        delivery.begin(layer.blob, f"{delivery.verb} base image")


def _assemble(
    plan: ImagePlan, options: BuildOptions, made: Sequence[MadeLayer], store: FolderStore, notes: list[str]
) -> BuildResult:
    """Put the layers on the base, and the environment's own on top."""
    environment, base, system, recipe = plan.environment, plan.base, plan.system, plan.recipe
    image = base.copy() if base is not None else Image(platform=platform_of_subdir(environment.subdir))
    prefix = recipe.prefix
    created = created_seconds(environment)
    reports = []
    for part in made:
        history = provenance.packages_history(part.members, prefix, rfc3339(created))
        image.add_layer(Layer(part.layer.blob, part.layer.diff_id, history=(history,)))
        reports.append(report_layer(part.layer, part.members, part.cached, part.seconds))
    post_link = {name for layer in made for name in layer.facts.post_link}
    linked = [package for package in environment.packages if package.name in post_link]
    started = time.monotonic()
    if environment.installed is not None:
        from conda_docker.image.content.prefix_layers import has_run_scripts

        if has_run_scripts(environment, options):
            linked, post_link = [], set()
    scripts = link_script_layer(image, linked, recipe, options, store, created, notes)
    if scripts is not None:
        history = provenance.link_scripts_history(linked, prefix, rfc3339(created))
        image.add_layer(Layer(scripts.blob, scripts.diff_id, history=(history,)))
        reports.append(report_layer(scripts, seconds=time.monotonic() - started))
    if environment.installed is not None:
        from conda_docker.image.content.prefix_layers import prefix_layers

        started = time.monotonic()
        for layer, known in prefix_layers(plan, options, store, created, notes):
            report = report_layer(image.add_layer(layer), cached=known, seconds=time.monotonic() - started)
            reports.append(report)
            started = time.monotonic()
    user = None
    if options.user is not None and system.problem is None:
        user = container_user(options.user, system, name=options.user_name, home=options.home)
    home = user.home if user is not None else home_of(image.config["User"], system)
    activation = _activation(environment, image, system, recipe, options, made, home, store)
    started = time.monotonic()
    own = environment_layer(
        environment,
        recipe,
        activation,
        user,
        system if base is not None else None,
        created,
        frozen=options.frozen,
    )
    build = BuildRecord.of(recipe, options, extracted=any(layer.extracted for layer in made))
    history = provenance.environment_history(environment, prefix, rfc3339(created), build)
    image.add_layer(Layer(own.blob, own.diff_id, history=(history,)))
    reports.append(report_layer(own, seconds=time.monotonic() - started, always=True))
    if options.add:
        from conda_docker.image.content.added_files import add_files
        from conda_docker.image.tree import ImageTree

        others = image.layers[: len(reports) - len(made)]
        tree = ImageTree.of(base, others, [layer.facts for layer in made], recipe.prefix_in_image.root, store.folder)
        reports.append(report_layer(add_files(image, options, system, user, tree), always=True))
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
            *layer_notes(made),
            *system_notes(environment, system, made),
            *activation.notes,
        ),
        environment,
        {stem: stated for layer in made for stem, stated in layer.facts.stated.items()},
    )


def _activation(
    environment: LockedEnvironment,
    image: Image,
    system: BaseSystem,
    recipe: Recipe,
    options: BuildOptions,
    made: Sequence[MadeLayer],
    home: str,
    store: FolderStore,
) -> Activation:
    """Return what activating the environment comes to, with what activation scripts set where they can be run here."""
    own = script_files(environment.scripts)
    scripts = [*(script for layer in made for script in layer.facts.activate), *own]
    activation = activate(
        options.activate,
        recipe.prefix,
        base_variables=image.config.environment,
        package_variables={name: fields for layer in made for name, fields in layer.facts.variables.items()},
        environment_variables=environment.variables,
        scripts=scripts,
        is_root_prefix=any(package.name == "conda" for package in environment.packages),
        shell=shell_of(environment, system, recipe.prefix),
    )
    if not scripts or options.activate is Activate.NEVER:
        return activation
    variables = {**image.config.environment, **activation.variables}
    home = options.env.get("HOME") or variables.get("HOME") or home
    if own:  # the layer that they will be in depends on the entrypoint, so they get one here for themselves
        image = image.copy()
        image.add_layer_contents({f"{recipe.prefix_in_image.root}/{path}": content for path, content in own.items()})
    evaluated = activation_variables(image, sorted(scripts), recipe, variables, home, store)
    return with_scripts(activation, scripts, evaluated)


def shell_of(environment: LockedEnvironment, system: BaseSystem, prefix: str) -> str | None:
    """Return the shell that reads an entrypoint: the base's, else the environment's own; None where there is none."""
    if system.shells or system.problem is not None:
        return "/bin/sh"
    own = next((package.name for package in environment.packages if package.name in ("bash", "dash")), None)
    return None if own is None else f"{prefix}/bin/{own}"


__all__ = ["BuildResult", "LayerReport", "begin_base", "build_image"]
