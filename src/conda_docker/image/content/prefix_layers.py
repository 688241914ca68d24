"""The layers of a prefix on this machine, beyond those of its packages; see `conda_docker.prefix`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from conda_docker.build_options import Bytecode, LinkScripts
from conda_docker.errors import InterpreterNotFound
from conda_docker.image import provenance
from conda_docker.image.plan import do_without
from conda_docker.link.bytecode.interpreter import Interpreters, bytecode_version
from conda_docker.prefix.layers import Carried, prefix_layer
from conda_docker.prefix.survey import Share, Survey, survey_prefix
from conda_docker.prefix.survey_notes import notes_of
from python_docker.image.layer import Layer
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from pathlib import Path

    from conda_docker.build_options import BuildOptions
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.plan import ImagePlan
    from conda_docker.link.bytecode.compiler import Compiler


LAYERS = ((Share.PIP,), (Share.EDITABLE, Share.CHANGED, Share.OWN))
"""What each layer holds, bottom first: what changes most is last."""


def prefix_layers(
    plan: ImagePlan, options: BuildOptions, cache_dir: Path, created: int, notes: list[str]
) -> Iterator[Layer]:
    """Yield the layers of what is in the environment's folder beyond its packages, each with its history.

    What the user should hear is added to `notes`. `created` is the image's time, in seconds since 1970.
    """
    survey = survey_prefix(plan.environment, plan.recipe.filter)
    if survey is None:
        return
    notes += notes_of(survey)
    carried = Carried()
    with _compiler(plan, survey, options, cache_dir, notes) as compiler:
        for shares in LAYERS:
            layer = prefix_layer(survey, shares, plan.recipe, compiler, created, carried)
            if layer is not None:
                numbers = {str(share): len(survey.of(share)) for share in shares if survey.of(share)}
                pip = survey.pip if Share.PIP in shares else ()
                history = provenance.prefix_history(numbers, pip, plan.recipe.prefix, rfc3339(created))
                yield Layer(layer.blob, layer.diff_id, history=(history,))
    notes += _carried_notes(carried, str(survey.given))


def has_run_scripts(environment: LockedEnvironment, options: BuildOptions) -> bool:
    """Return whether what post-link scripts made is among the files of the prefix, so that nothing is missing."""
    copied = environment.installed is not None and environment.installed.whole
    return copied and options.link_scripts is LinkScripts.WARN


def _compiler(
    plan: ImagePlan, survey: Survey, options: BuildOptions, cache_dir: Path, notes: list[str]
) -> Compiler | nullcontext[None]:
    """Return a compiler for the modules among the files, or none where there are none or it cannot be had."""
    python = plan.environment.python
    modules = any(file.place.endswith(".py") for file in survey.files)
    if python is None or not modules or options.bytecode is Bytecode.NEVER:
        return nullcontext()
    try:
        version = bytecode_version(python)
        return Interpreters(python, plan.environment.subdir, cache_dir, options.offline).start(version)
    except InterpreterNotFound as error:
        do_without(error, options, notes)
        return nullcontext()


def _carried_notes(carried: Carried, prefix: str) -> Iterator[str]:
    for places, text in (
        (carried.unrewritten, f"still name {prefix}, which is shorter than the prefix in the image"),
        (carried.outside, "lead out of the environment, to what may not be in the image"),
        (carried.uncompiled, "have no .pyc file, since they do not compile"),
    ):
        if places:
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            yield f"{', '.join(sorted(places)[:3])}{more} {text}"
