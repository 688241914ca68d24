"""preview_image: what building an image would take, with nothing made, and no package downloaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions, LinkScripts
from conda_docker.cache.folder import CacheFolder
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.image.base.reading import read_base_system, remembered_base_system
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.content.added_files import check_added
from conda_docker.image.content.bill_layer import check_bills
from conda_docker.image.content.prefix_layers import LAYERS, has_run_scripts
from conda_docker.image.content.script_layers import check_link_scripts, known_link_script_layer
from conda_docker.image.package_places import PackagePreview, package_places
from conda_docker.image.plan import ImagePlan, check_base, created_seconds, plan_image
from conda_docker.image.result import layer_notes, system_notes
from conda_docker.layers.known import known_layers
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.link.bytecode.python_program import find_on_machine
from conda_docker.package.fetch.complete import complete_environment
from conda_docker.prefix.survey import Survey, survey_prefix
from conda_docker.prefix.survey_notes import notes_of
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.layers.member import Member
    from python_docker.image import Image
    from python_docker.image.layer import Layer


class LayerKind(StrEnum):
    """What a new layer holds."""

    PACKAGES = "packages"
    LINK_SCRIPTS = "link scripts"
    """What link scripts change."""
    PIP_AS_INSTALLED = "pip packages as installed"
    """What pip installed into a prefix of this machine, and has no wheel."""
    PREFIX = "files of the prefix"
    """What else is in a prefix of this machine and in no package."""
    ENVIRONMENT = "environment"
    """What makes a folder with packages an environment; small, and made by every build."""
    ADDED = "added files"
    BILL = "bill of materials"
    """What is in the image, as files in it (`--sbom-in-image`)."""


@dataclass(frozen=True, slots=True)
class LayerPreview:
    """A new layer: what it holds, and the layer itself where it is known."""

    kind: LayerKind
    members: tuple[Member, ...] = ()
    known: Layer | None = None


@dataclass(frozen=True, slots=True)
class ImagePreview:
    """What an image would be made of. `layers` are the new ones, bottom first, `packages` in the order of the layers.

    `missing` are those of the base's layers that are not on this machine, `unread` says that a build reads all of them;
    `notes` is what the user should hear.
    """

    plan: ImagePlan
    packages: tuple[PackagePreview, ...]
    layers: tuple[LayerPreview, ...]
    missing: tuple[Layer, ...]
    unread: bool
    notes: tuple[str, ...]


def preview_image(
    environment: LockedEnvironment,
    base: Image | None = None,
    options: BuildOptions | None = None,
    *,
    stores: LayerStores | None = None,
    progress: Progress = SILENT,
) -> ImagePreview:
    """Return what `build_image` with the same arguments would do.

    Nothing is downloaded. What is learned of packages that are on this machine is noted in the cache, as a build would
    note it. Raises what a build is certain to raise: `PlatformNotFound`, `UnsupportedFormat`, `InterpreterNotFound`,
    `ScriptFailed`, `InvalidPackage`, `NotFound` for files to add, and, with `offline`, `DownloadError` for packages
    that are missing.
    """
    options = options or BuildOptions()
    check_base(environment, base, options)
    stores = stores or LayerStores.of(options)
    cache_dir = stores.cache.root
    missing = () if base is None else tuple(_not_here(base, stores.cache))
    system = _system(base, cache_dir, readable=not missing)
    environment = complete_environment(
        environment, cache_dir, offline=options.offline, download=False, progress=progress
    )
    plan = plan_image(environment, base, system or BaseSystem(), options)
    notes = [*plan.notes]
    if system is None:
        notes.append(
            "the base image has not been read before, and its layers are not on this machine: linked folders in it are "
            "not followed here, so the layers may differ from what is reported"
        )
    if not environment.complete:
        unknown = sum(not package.complete for package in environment.packages)
        packages = "package" if unknown == 1 else "packages"
        notes.append(
            f"{unknown} {packages} must be downloaded before everything is known: which of them share a layer, and the "
            "order of the layers, may change"
        )
    found = _look_up(plan, options, stores)
    known = found.known
    scripts = _script_layers(plan, found, options, stores.local)
    notes += [*found.notes, *scripts.notes]
    groups = list(zip(plan.layers.groups, found.layers, strict=True))
    layers = [
        LayerPreview(LayerKind.PACKAGES, tuple(group), None if layer is None else layer.layer)
        for group, layer in groups
    ]
    layers += scripts.layers
    survey = survey_prefix(plan.environment, plan.recipe.filter)
    if survey is not None:
        notes += notes_of(survey)
        layers += _prefix_layers(survey)
    layers.append(LayerPreview(LayerKind.ENVIRONMENT))
    if options.add:
        check_added(options)
        layers.append(LayerPreview(LayerKind.ADDED))
    if options.sbom_in_image:
        check_bills(options)
        layers.append(LayerPreview(LayerKind.BILL))
    return ImagePreview(
        plan,
        tuple(package_places(groups, options, cache_dir)),
        tuple(layers),
        missing,
        unread=system is None,
        notes=(*environment.warnings, *notes, *layer_notes(known), *system_notes(environment, plan.system, known)),
    )


def _not_here(base: Image, cache: CacheFolder) -> Iterator[Layer]:
    """Yield the layers of a registry's image that are not in the cache; other images are on this machine."""
    for layer in reversed(base.layers):
        if layer.blob.origin is not None and not cache.blobs.contains(layer.descriptor):
            yield layer


def _system(base: Image | None, cache_dir: Path, *, readable: bool) -> BaseSystem | None:
    """Return what is known of the system in a base, None where layers would have to be downloaded to know it."""
    if base is None:
        return BaseSystem()
    return read_base_system(base, cache_dir) if readable else remembered_base_system(base, cache_dir)


@dataclass(frozen=True, slots=True)
class _Known:
    """The layers of packages that stores have, and None for each that a build would make."""

    layers: Sequence[MadeLayer | None]
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> list[MadeLayer]:
        return [layer for layer in self.layers if layer is not None]


def _look_up(plan: ImagePlan, options: BuildOptions, stores: LayerStores) -> _Known:
    """Return the layers of packages that are known, by the recipe that a build comes to.

    A build without a Python to compile modules with does without compiling; where its layers are known that way and not
    the other, it has been so before.
    """

    looked_in = stores if options.use_cache else stores.unread()
    extracted = options.use_extracted or options.offline
    found, version = known_layers(plan.layers, plan.recipe, looked_in, extracted=extracted), plan.recipe.bytecode
    pairs = zip(plan.layers.groups, found, strict=True)
    uncompiled = any(layer is None and plan.recipe.compiles(group) for group, layer in pairs)
    if version is None or not uncompiled or find_on_machine(version) is not None:
        return _Known(found)
    without = known_layers(plan.layers, plan.recipe.without_bytecode(), looked_in, extracted=extracted)
    if all(layer is not None for layer in without):
        note = f"Python modules are not byte-compiled, as in earlier builds: no Python {version} is on PATH"
        return _Known(without, (note,))
    note = (
        f"no Python {version} is on PATH to compile Python modules with; a build tries the one in the python package, "
        "which may have to be downloaded for that"
    )
    return _Known(found, (note,))


@dataclass(frozen=True, slots=True)
class _ScriptLayers:
    """The layer of link scripts, where it is certain that there is one, and what known layers say of them."""

    layers: tuple[LayerPreview, ...] = ()
    notes: tuple[str, ...] = ()


def _script_layers(plan: ImagePlan, found: _Known, options: BuildOptions, store: FolderStore) -> _ScriptLayers:
    """Return what would become of link scripts. Raises `ScriptFailed` where they are certain to be refused."""
    names = {name for layer in found.known for name in layer.facts.post_link}
    packages = [package for package in plan.environment.packages if package.name in names]
    check_link_scripts([package.name for package in packages], options)
    if has_run_scripts(plan.environment, options):
        return _ScriptLayers()
    complete = len(found.known) == len(found.layers)
    notes = []
    if not complete and options.link_scripts is not LinkScripts.WARN:
        notes.append("packages whose layers are not known may have link scripts as well")
    if not packages:
        return _ScriptLayers(notes=tuple(notes))
    shown = ", ".join(package.name for package in packages)
    if options.link_scripts is LinkScripts.WARN:
        notes.append(f"the post-link scripts of {shown} would not be run; --link-scripts run runs them in a sandbox")
        return _ScriptLayers(notes=tuple(notes))
    notes.append(f"the post-link scripts of {shown} would be run in a sandbox")
    layer = None
    if complete:
        below = [] if plan.base is None else list(reversed(plan.base.layers))
        below += [made.layer for made in found.known]
        variables = {} if plan.base is None else plan.base.config.environment
        created = created_seconds(plan.environment)
        known = known_link_script_layer(below, packages, plan.recipe, options, store, created, variables)
        if known is not None and not known[1].packages:
            return _ScriptLayers(notes=tuple(notes))  # they change nothing
        layer = known and known[0]
    return _ScriptLayers((LayerPreview(LayerKind.LINK_SCRIPTS, tuple(packages), layer),), tuple(notes))


def _prefix_layers(survey: Survey) -> Iterator[LayerPreview]:
    pip, rest = LAYERS
    if survey.of(*pip):
        yield LayerPreview(LayerKind.PIP_AS_INSTALLED)
    if survey.of(*rest) or survey.deleted:
        yield LayerPreview(LayerKind.PREFIX)


def platform_of(preview: ImagePreview) -> str:
    """Return what an image would be for, such as `linux/amd64`."""
    base = preview.plan.base
    return str(platform_of_subdir(preview.plan.environment.subdir) if base is None else base.platform)
