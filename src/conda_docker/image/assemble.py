"""The pipeline: an environment and a base image become an image.

LockedEnvironment ──┬──plan_image──> ImagePlan ──package_layers──> layers ──┐
base image ─────────┴───────────────────────────────────────────────────────┴──> Image, notes
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.build_options import Activate, BuildOptions, LinkScripts
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.image.base.in_the_way import check_below, check_home
from conda_docker.image.base.inherited import stacked_notes
from conda_docker.image.base.reading import is_in_mind, is_large, read_base_system
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.build_record import BuildRecord
from conda_docker.image.content.environment_layer import environment_layer
from conda_docker.image.content.new_layers import NewLayer, NewLayers
from conda_docker.image.content.package_layers import PackageLayers, package_layers
from conda_docker.image.content.script_layers import activation_variables, link_script_layers
from conda_docker.image.plan import ImagePlan, check_base, created_seconds, plan_image
from conda_docker.image.result import BuildResult, LayerReport, layer_notes, report_layer, system_notes
from conda_docker.image.runtime.activation import Activation, activate, with_scripts
from conda_docker.image.runtime.config import configure, describe, notes_on_config, variables_over_base
from conda_docker.image.runtime.gpu import gpu_variables
from conda_docker.image.runtime.users import ContainerUser, container_user, home_of, note_on_home
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.package.fetch.complete import complete_environment
from conda_docker.provenance.entries import environment_history
from python_docker.argument_types import check_method, check_optional, check_type
from python_docker.image import Image
from python_docker.progress import SILENT, Progress
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.image.tree import ImageTree
    from python_docker.copying.delivery import Delivery


def build_image(
    environment: LockedEnvironment,
    base: Image | None = None,
    options: BuildOptions | None = None,
    *,
    stores: LayerStores | None = None,
    delivery: Delivery | None = None,
    progress: Progress = SILENT,
) -> BuildResult:
    """Build the image of an environment on `base` (None: from scratch), which is left as it is.

    Layers that the `stores` have are not built again, and their packages neither downloaded nor read; builds may share
    stores (None: those of the options). Each layer, the base's first, leaves by `delivery` as soon as it is there. The
    image's name is the base's until it is set.

    Raises `PlatformNotFound` for a base of another platform, `UnsupportedFormat` for one with too many layers or with
    files and links where the environment has folders, `DownloadError`, `InvalidPackage`, `CacheError`, and
    `InterpreterNotFound` with `bytecode="always"`.
    """
    check_type("environment", environment, LockedEnvironment, "lock() and resolve() give one")
    check_optional("base", base, Image, "open_base opens one by its name")
    check_optional("options", options, BuildOptions)
    check_optional("stores", stores, LayerStores)
    if delivery is not None:
        check_method("delivery", delivery, "begin")
    check_method("progress", progress, "start")
    options = options or BuildOptions()
    check_base(environment, base, options)
    if options.sbom_in_image:
        from conda_docker.image.content.bill_layer import check_bills

        check_bills(options)
    if stores is None:
        stores = LayerStores.of(options, progress=progress, stop=None if delivery is None else delivery.stop)
    cache_dir = stores.cache.root
    accounts = options.user is not None or options.chown is not None
    system = read_base_system(base, cache_dir, accounts=accounts) if base is not None else BaseSystem()
    environment = complete_environment(environment, cache_dir, offline=options.offline, progress=progress)
    plan = plan_image(environment, base, system, options)
    if base is not None and delivery is not None:
        begin_base(base, delivery)
    packages = package_layers(plan, options, stores, delivery, progress)
    check_below(plan.recipe.prefix, system, (layer.facts for layer in packages.made))
    return _assemble(plan._replace(recipe=packages.recipe), options, packages, stores.local, progress)


def begin_base(base: Image, delivery: Delivery) -> None:
    """Start sending the layers of a base image, the lowest first; those already sent are not sent again."""
    for layer in reversed(base.layers):
        delivery.begin(layer.blob, f"{delivery.verb} base image")


class _Stack:
    """An image that grows upwards, with reports of the layers that it gets."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.reports: list[LayerReport] = []

    def add(self, new: NewLayers) -> tuple[str, ...]:
        """Put layers on top, and return the notes about them."""
        for each in new.layers:
            self.image.add_layer(each.layer)
            self.reports.append(each.report)
        return new.notes


def _assemble(
    plan: ImagePlan, options: BuildOptions, packages: PackageLayers, store: FolderStore, progress: Progress
) -> BuildResult:
    """Put the layers on the base, and the environment's own on top."""
    environment, base, system, recipe, made = plan.environment, plan.base, plan.system, plan.recipe, packages.made
    created = created_seconds(environment)
    stack = _Stack(base.copy() if base is not None else Image(platform=platform_of_subdir(environment.subdir)))
    image = stack.image
    notes = [*plan.notes, *packages.notes]
    stack.add(packages.new_layers(created))
    scripted = _with_link_scripts(environment, made, options)
    notes += stack.add(link_script_layers(image, scripted, recipe, options, store, created, progress))
    if environment.installed is not None:
        from conda_docker.image.content.prefix_layers import prefix_layers

        notes += stack.add(prefix_layers(plan, options, store, created))
    user = None
    if options.user is not None and system.problem is None:
        user = container_user(options.user, system, name=options.user_name, home=options.home)
        if user.has_new_home:
            check_home(user.home, system)
        elif "HOME" not in options.env and (note := note_on_home(user, system)):
            notes.append(note)
    gpu = gpu_variables(environment.packages, image.config.environment)
    activation = _activation(plan, image, options, made, user, gpu, store, progress)
    stack.add(_own_layer(plan, activation, user, options, packages, created))
    if options.add:
        from conda_docker.image.content.added_files import ADDED, add_files

        tree = _tree_of(plan, stack, made, store)
        stack.reports.append(report_layer(add_files(image, options, system, user, tree), always=True, content=ADDED))
    configure(image, base, recipe.prefix, options, activation, gpu, user, has_python=environment.python is not None)
    if base is not None and options.activate is not Activate.NEVER:
        own = {*activation.variables, *options.env}
        notes += stacked_notes(base, recipe.prefix, image.config.environment, own)
    describe(image, base, options, rfc3339(created))
    stated = {stem: stated for layer in made for stem, stated in layer.facts.stated.items()}
    if options.sbom_in_image:
        from conda_docker.image.content.bill_layer import bill_layer

        stack.add(bill_layer(image, environment, stated, options, recipe, system, created))
    unrun = [] if options.link_scripts is LinkScripts.RUN else scripted
    lacking = tuple(system_notes(environment, system, made))
    return BuildResult(
        image,
        recipe.prefix,
        tuple(stack.reports),
        post_link=tuple(sorted(package.name for package in unrun)),
        trimmed_files=sum(layer.facts.trimmed_files for layer in made),
        trimmed_bytes=sum(layer.facts.trimmed_bytes for layer in made),
        notes=(
            *environment.warnings,
            *notes,
            *layer_notes(made),
            *lacking,
            *activation.notes,
            *notes_on_config(image.config, _known_system(plan, options), partial(_is_file, plan, stack, made, store)),
        ),
        starts=not lacking and _has_command(image),
        environment=environment,
        stated=stated,
    )


def _has_command(image: Image) -> bool:
    """Return whether an image says what its containers run."""
    return bool(image.config.get("Entrypoint") or image.config.get("Cmd"))


def _tree_of(plan: ImagePlan, stack: _Stack, made: Sequence[MadeLayer], store: FolderStore) -> ImageTree:
    """Return what is at which path of an image that is being made."""
    from conda_docker.image.tree import ImageTree

    others = stack.image.layers[: len(stack.reports) - len(made)]
    facts, layers = [each.facts for each in made], [each.layer for each in made]
    return ImageTree.of(plan.base, others, facts, plan.recipe.prefix_in_image.root, store.folder, layers)


def _is_file(plan: ImagePlan, stack: _Stack, made: Sequence[MadeLayer], store: FolderStore, path: str) -> bool:
    """Return whether there is a file at an absolute path where the base's system says nothing of files."""
    if is_in_mind(path) and not path.startswith(f"{plan.recipe.prefix}/"):
        return False
    return _tree_of(plan, stack, made, store).file_at(path) is not None


def _known_system(plan: ImagePlan, options: BuildOptions) -> BaseSystem | None:
    """Return the system of the base image where all of it has been read, and nothing is added to its accounts."""
    if any(target.rstrip("/") in ("", "/etc", "/etc/passwd") for _, target in options.add):
        return None
    if plan.base is None or plan.system.problem is not None or is_large(plan.base):
        return None
    return plan.system


def _with_link_scripts(
    environment: LockedEnvironment, made: Sequence[MadeLayer], options: BuildOptions
) -> list[LockedPackage]:
    """Return the packages whose link scripts have still to run: in a prefix that is copied whole, all have run."""
    if environment.installed is not None:
        from conda_docker.image.content.prefix_layers import has_run_scripts

        if has_run_scripts(environment, options):
            return []
    names = {name for layer in made for name in layer.facts.post_link}
    return [package for package in environment.packages if package.name in names]


def _own_layer(
    plan: ImagePlan,
    activation: Activation,
    user: ContainerUser | None,
    options: BuildOptions,
    packages: PackageLayers,
    created: int,
) -> NewLayers:
    """Return the layer that makes packages an environment, with a history of what it was made from."""
    started = time.monotonic()
    system = plan.system if plan.base is not None else None
    layer = environment_layer(plan.environment, plan.recipe, activation, user, system, created, frozen=options.frozen)
    extracted = any(each.extracted for each in packages.made)
    activated = activation.to_json()
    record = BuildRecord.of(plan.recipe, options, extracted=extracted, activated=activated, account=user)
    history = environment_history(plan.environment, plan.recipe.prefix, rfc3339(created), record.to_json())
    return NewLayers((NewLayer.of(layer, history, seconds=time.monotonic() - started, always=True),))


def _activation(
    plan: ImagePlan,
    image: Image,
    options: BuildOptions,
    made: Sequence[MadeLayer],
    user: ContainerUser | None,
    gpu: Mapping[str, str],
    store: FolderStore,
    progress: Progress,
) -> Activation:
    """Return what activating the environment comes to, with what activation scripts set where they can be run here."""
    environment, recipe, system = plan.environment, plan.recipe, plan.system
    own = environment.script_files
    scripts = [*(script for layer in made for script in layer.facts.activate), *own]
    shell = shell_of(environment, system, recipe.prefix)
    activation = activate(
        options.activate,
        recipe.prefix,
        base_variables=image.config.environment,
        package_variables={name: fields for layer in made for name, fields in layer.facts.variables.items()},
        environment_variables=environment.variables,
        scripts=scripts,
        is_root_prefix=any(package.name == "conda" for package in environment.packages),
        shell=shell,
    )
    if not scripts or options.activate is Activate.NEVER:
        return activation
    if user is None and plan.base is not None:
        # Scripts are run on all of the base's files anyway.
        system = read_base_system(plan.base, store.root, accounts=True)
    inherited = image.config.environment
    variables = {**inherited, **variables_over_base(activation, gpu, options, inherited)}
    home = user.home if user is not None else home_of(image.config["User"], system)
    home = variables.get("HOME") or home
    if own:  # the layer that they will be in depends on the entrypoint, so they get one here for themselves
        image = image.copy()
        image.add_layer_contents({f"{recipe.prefix_in_image.root}/{path}": content for path, content in own.items()})
    declared = {name: variables[name] for name in options.env}
    evaluated = activation_variables(
        image, sorted(scripts), recipe, variables, home, store, use_cache=options.use_cache, progress=progress
    )
    return with_scripts(activation, recipe.prefix, scripts, evaluated, before=variables, declared=declared, shell=shell)


def shell_of(environment: LockedEnvironment, system: BaseSystem, prefix: str) -> str | None:
    """Return the shell that reads an entrypoint: the base's, else the environment's own; None where there is none."""
    if system.problem is not None:
        return "/bin/sh"
    if system.shells:
        return system.shells[0]
    own = next((package.name for package in environment.packages if package.name in ("bash", "dash")), None)
    return None if own is None else f"{prefix}/bin/{own}"


__all__ = ["BuildResult", "LayerReport", "begin_base", "build_image"]
