"""What scripts of packages add to an image: a layer of what link scripts change, variables that activation sets.

Both are looked up in the cache first, by all that the scripts could see.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions, LinkScripts
from conda_docker.cache.folder import NoteKind
from conda_docker.errors import ScriptFailed
from conda_docker.image.content.new_layers import NewLayer, NewLayers
from conda_docker.layers.facts import LayerFacts
from conda_docker.provenance.entries import link_scripts_history
from python_docker.errors import Error
from python_docker.progress import SILENT
from python_docker.spec.platform import Platform
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.folder import FolderStore
    from conda_docker.scripts.activation_scripts import Evaluated
    from python_docker.image import Image
    from python_docker.image.layer import Layer
    from python_docker.progress import Progress

_NAMES = ("unset", "only_in_shells", "passed_over")
"""What is kept of evaluated activation scripts apart from variables: names."""


def link_script_layers(
    image: Image,
    packages: Sequence[LockedPackage],
    recipe: Recipe,
    options: BuildOptions,
    store: FolderStore,
    created: int,
    progress: Progress = SILENT,
) -> NewLayers:
    """Return the layer of what the post-link scripts of `packages` change on an image; none where that is nothing.

    None as well where the options do not have them run: then a note names them, or the build is refused with
    `ScriptFailed`. What the scripts say is a note, too. Raises `SandboxUnavailable` and `ScriptFailed`.
    """
    if not packages:
        return NewLayers()
    names = [package.name for package in packages]
    check_link_scripts(names, options)
    if options.link_scripts is LinkScripts.WARN:
        note = (
            f"the post-link scripts of {', '.join(names)} were not run, so what they would make is missing; "
            "--link-scripts run runs them in a sandbox"
        )
        return NewLayers(notes=(note,))
    started = time.monotonic()
    layer, facts, cached = _link_script_layer(image, packages, recipe, options, store, created, progress)
    if not facts.packages:
        return NewLayers(notes=facts.notes)
    history = link_scripts_history(packages, recipe.prefix, rfc3339(created))
    seconds = time.monotonic() - started
    return NewLayers((NewLayer.of(layer, history, cached=cached, seconds=seconds),), facts.notes)


def _link_script_layer(
    image: Image,
    packages: Sequence[LockedPackage],
    recipe: Recipe,
    options: BuildOptions,
    store: FolderStore,
    created: int,
    progress: Progress,
) -> tuple[Layer, LayerFacts, bool]:
    """Return the layer that link scripts make, and whether it was known; else they run. Without packages it is of no
    use.
    """
    from conda_docker.scripts.link_scripts import check_runnable, run_link_scripts

    layers = list(reversed(image.layers))
    variables = image.config.environment
    key = _key(layers, packages, recipe, options, created, variables)
    known = store.get(key) if options.use_cache else None
    if known is not None:
        return *known, True
    with store.folder.writing():
        ran = run_link_scripts(
            layers,
            packages,
            recipe.prefix,
            sandbox=check_runnable(image.platform),
            time=created,
            variables=variables,
            network=options.link_scripts_network,
            writer=store.blobs.writer(),
            compression=recipe.compression,
            level=recipe.level,
            progress=progress,
        )
    stems = tuple(package.stem for package in packages)
    facts = LayerFacts(packages=stems if ran.changed else (), notes=ran.messages)
    return store.put(key, ran.layer, facts), facts, False


def known_link_script_layer(
    layers: Sequence[Layer],
    packages: Sequence[LockedPackage],
    recipe: Recipe,
    options: BuildOptions,
    store: FolderStore,
    created: int,
    variables: Mapping[str, str],
) -> tuple[Layer, LayerFacts] | None:
    """Return the layer that the link scripts of `packages` made before on the same `layers`, bottom first.

    `created` is the image's time, in seconds since 1970, and `variables` are those of its base.
    """
    return store.get(_key(layers, packages, recipe, options, created, variables)) if options.use_cache else None


def check_link_scripts(names: Sequence[str], options: BuildOptions) -> None:
    """Raise `ScriptFailed` where the packages of these names have link scripts, and may not."""
    if names and options.link_scripts is LinkScripts.REFUSE:
        raise ScriptFailed(
            "these packages have post-link scripts, which --link-scripts refuse does not allow: " + ", ".join(names)
        )


def _key(
    layers: Sequence[Layer],
    packages: Sequence[LockedPackage],
    recipe: Recipe,
    options: BuildOptions,
    created: int,
    variables: Mapping[str, str],
) -> str:
    from conda_docker.scripts.link_scripts import key_of_link_scripts

    return key_of_link_scripts(
        layers,
        packages,
        recipe.prefix,
        time=created,
        variables=variables,
        network=options.link_scripts_network,
        compression=f"{recipe.compression} {recipe.level}",
    )


def activation_variables(
    image: Image,
    scripts: Sequence[str],
    recipe: Recipe,
    variables: Mapping[str, str],
    home: str,
    store: FolderStore,
    *,
    use_cache: bool = True,
    progress: Progress = SILENT,
) -> Evaluated:
    """Return what sourcing the activation `scripts`, relative to the prefix, does to a container's `variables`.

    `home` is the home folder of the user that containers run as, which scripts may name. Without
    `use_cache` they are run though it is known.
    In a sandbox, where this machine has one and the image's processor; a `problem` says why not elsewhere.
    """
    from conda_docker.sandbox import find_sandbox
    from conda_docker.scripts.activation_scripts import TIME_LIMIT, Evaluated, evaluate, key_of_activation
    from conda_docker.scripts.under_way import under_way

    layers = list(reversed(image.layers))
    paths = [f"{recipe.prefix}/{script}" for script in scripts]
    key = key_of_activation(layers, paths, variables, home)
    note = store.folder.read_note(NoteKind.ACTIVATIONS, key) if use_cache else None
    if note is not None:
        with suppress(ValueError, LookupError, TypeError, AttributeError):
            value = json.loads(note)
            known, varying = (
                {str(name): str(text) for name, text in value[field].items()} for field in ("variables", "varying")
            )
            unset, only_in_shells, passed_over = (tuple(map(str, value[field])) for field in _NAMES)
            return Evaluated(known, unset, None, only_in_shells, passed_over, varying)
    if not Platform.host().accepts(image.platform):
        return Evaluated({}, problem=f"they run on {image.platform} only, and this machine is {Platform.host()}")
    try:
        sandbox = find_sandbox()
        with under_way(progress, f"activation scripts (limit {TIME_LIMIT} s each time)"):
            found = evaluate(layers, paths, recipe.prefix, variables, home=home, sandbox=sandbox)
    except Error as error:  # the image is built all the same: the entrypoint sources them
        return Evaluated({}, problem=str(error))
    if found.problem is None:
        value = {"variables": dict(found.variables), "varying": dict(found.varying)}
        value |= {field: getattr(found, field) for field in _NAMES}
        store.folder.remember(NoteKind.ACTIVATIONS, key, json.dumps(value).encode())
    return found
