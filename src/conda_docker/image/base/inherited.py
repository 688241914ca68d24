"""What containers inherit from the runtime config of a base image, and had better not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from python_docker.spec.documents.runtime_config import RuntimeConfig

_SHOWN = 200
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
