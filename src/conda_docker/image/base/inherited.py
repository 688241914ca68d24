"""What containers inherit from the runtime config of a base image, and had better not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from python_docker.errors import NotFound
from python_docker.spec.documents.runtime_config import RuntimeConfig
from python_docker.spec.media_types import layer_compression

if TYPE_CHECKING:
    from python_docker.image import Image

_SHOWN = 200
_NAMED = 5  # variables
_REPLACED = frozenset({"PATH", "CONDA_PREFIX", "CONDA_SHLVL", "CONDA_DEFAULT_ENV"})
"""What the environment on top sets itself, or adds to."""
_OF_PYTHON = {
    "PYTHONHOME": "so the environment's Python does not find its own modules, and does not start",
    "PYTHONPATH": "so the environment's Python imports modules from there before its own",
}


def inherited_notes(
    config: RuntimeConfig, prefix: str, declared: Mapping[str, str], *, has_python: bool
) -> Iterator[str]:
    """Yield what a base's `config` does to an environment at `prefix`, unless a variable is `declared` anew.

    >>> list(inherited_notes(RuntimeConfig({"Volumes": {"/opt": {}}}), "/opt/conda", {}, has_python=True))[0][:60]
    'the base image declares a volume at /opt, which hides the en'
    """
    variables = config.environment
    for name, effect in _OF_PYTHON.items():
        if has_python and variables.get(name) and name not in declared:
            yield (f"the base image sets {name}={variables[name][:_SHOWN]}, {effect}; --env {name}= takes that back")
    volumes = config.get("Volumes") or {}
    for volume in sorted(volumes):
        if PurePosixPath(prefix).is_relative_to(PurePosixPath("/", volume)):
            yield (
                f"the base image declares a volume at {volume[:_SHOWN]}, which hides the environment at {prefix}: "
                "engines copy it for each container, and a volume of an older image keeps what that had; "
                "--prefix-in-image chooses another place"
            )
    if triggers := config.get("OnBuild"):
        listed = "; ".join(map(str, triggers))
        yield f"the base image has ONBUILD instructions, which only a Dockerfile's build follows: {listed[:_SHOWN]}"


def unknown_layer_notes(base: Image) -> Iterator[str]:
    """Yield which types of layers in a base are not known: they are passed on as they are, as crane and skopeo do.

    >>> from python_docker.image import Image
    >>> list(unknown_layer_notes(Image()))
    []
    """
    types = {layer.descriptor.media_type for layer in base.layers}
    unknown = sorted(found for found in types if layer_compression(found) is None)
    if unknown:
        listed = ", ".join(repr(found[:_SHOWN]) for found in unknown[:_NAMED])
        yield (
            f"the base image has a layer of a type that is not a layer's ({listed}), which is passed on as it is: many "
            "engines and tools refuse such an image"
        )


def stacked_notes(base: Image, prefix: str, variables: Mapping[str, str], own: Collection[str]) -> Iterator[str]:
    """Yield which variables of an environment that is active in a base stay as it set them under one at `prefix`.

    `variables` are those of the image on that base, `own` the names of those that the environment at `prefix` or the
    user sets. Both are active then, as after `conda activate --stack` (conda/activate.py, `build_stack`).
    """
    before = base.config.environment
    below = before.get("CONDA_PREFIX")
    if not below or below == prefix:
        return
    recorded = _recorded(base, prefix)
    kept = [
        name
        for name, value in sorted(before.items())
        if name not in _REPLACED and name not in own
        if name in recorded or _is_within(value, below)
        if value and f":{value.strip(':')}:" in f":{variables.get(name, '')}:"
    ]
    if kept:
        yield (
            f"the environment at {below[:_SHOWN]} of the base image stays active beneath this one, as after `conda "
            f"activate --stack`: what it has set stays in {first_of(kept, _NAMED)}; --env NAME=VALUE changes it"
        )


def _recorded(base: Image, prefix: str) -> set[str]:
    """Return the variables that environments of the base, as its history has it, set on activation."""
    from conda_docker.provenance.reading import read_environments

    try:
        environments = read_environments(base)
    except NotFound:
        return set()
    activated = [(each.build or {}).get("activated") for each in environments if each.prefix != prefix]
    parts = [one.get(key) for one in activated if isinstance(one, dict) for key in ("variables", "scripted")]
    return {str(name) for part in parts if isinstance(part, dict) for name in part}


def _is_within(value: str, folder: str) -> bool:
    return any(f"{path}/".startswith(f"{folder}/") for path in value.split(":"))
