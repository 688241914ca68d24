"""script_layer: what link scripts change, made again by running them on the layers below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.errors import ScriptFailed
from conda_docker.provenance.reading import scripts_of_layer
from conda_docker.scripts.link_scripts import check_runnable, run_link_scripts
from conda_docker.verification.own_layer import seconds

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.build_record import BuildRecord
    from conda_docker.layers.recipe import Recipe
    from conda_docker.verification.steps import Step
    from python_docker.image.layer import Layer
    from python_docker.spec.platform import Platform


def script_layer(
    step: Step,
    environment: LockedEnvironment,
    recipe: Recipe,
    record: BuildRecord,
    lower: Sequence[Layer],
    variables: Mapping[str, str],
    *,
    created: str | None,
    platform: Platform,
) -> Layer:
    """Return the layer of link scripts, made again; `lower` are the layers below it, bottom first.

    The scripts of the packages that the history names run in a sandbox without network. `variables` are those of the
    base image, and `created` is when the image was built. Raises `SandboxUnavailable`; `ScriptFailed` for a script that
    fails, and where scripts had the network or the history names no package; and `Error` where it names no time.
    """
    if record.link_scripts_network:
        raise ScriptFailed("its link scripts had the network, which may answer otherwise now")
    stems = scripts_of_layer(step.layer)
    by_stem = {package.stem: package for package in environment.packages}
    if missing := [stem for stem in stems if stem not in by_stem]:
        raise ScriptFailed(f"the history does not say which packages these are: {', '.join(missing)}")
    return run_link_scripts(
        lower,
        [by_stem[stem] for stem in stems],
        recipe.prefix,
        sandbox=check_runnable(platform),
        time=seconds(created),
        variables=variables,
        compression=recipe.compression,
        level=recipe.level,
    ).layer
