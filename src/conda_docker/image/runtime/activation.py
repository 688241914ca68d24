"""What `conda activate` would set, as an image's Env, and an entrypoint for what only a shell can do.

Rules: conda/activate.py and conda/common of conda 24 and later, observed on a hand-made prefix.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.build_options import Activate
from conda_docker.environment.active import active_variables, sourcing

if TYPE_CHECKING:
    from conda_docker.scripts.activation_scripts import Evaluated

# What Docker uses when an image says nothing (moby, daemon: DefaultPathEnv).
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTRYPOINT_NAME = "conda-docker-entrypoint"
_UNSET = "***unset***"
_RESERVED = frozenset({"PATH"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Activation:
    """What to do to an image: variables to set, the text of an entrypoint (or None), and what could not be done."""

    variables: Mapping[str, str]
    entrypoint: str | None
    notes: tuple[str, ...] = ()


def activate(
    mode: Activate,
    prefix: str,
    *,
    base_variables: Mapping[str, str],
    package_variables: Mapping[str, Mapping[str, str]],
    environment_variables: Mapping[str, str],
    scripts: Iterable[str],
    is_root_prefix: bool = False,
    shell: str | None = "/bin/sh",
) -> Activation:
    """Return what activating the environment at `prefix` comes to in an image whose base has `base_variables`.

    `package_variables` are the variables of each `etc/conda/env_vars.d` file by its name, `environment_variables`
    those of the environment itself (its `conda-meta/state`), `scripts` the activation scripts that packages bring.
    Each variable is set under its name as it is written, and in upper case too, which is the name that conda exports
    (`envvars_force_uppercase`), unless another variable has that name. `PATH` cannot be set this way. `shell` is what
    an entrypoint can be read by; without one there is none.
    """
    if mode is Activate.NEVER:
        return Activation({}, None)
    notes: list[str] = []
    variables = {
        "PATH": f"{prefix}/bin:{base_variables.get('PATH') or DEFAULT_PATH}",
        **active_variables(prefix, is_root_prefix=is_root_prefix),
    }
    written: dict[str, str] = {}
    for source in (*(fields for _, fields in sorted(package_variables.items())), environment_variables):
        for name, value in source.items():
            if name.upper() in _RESERVED or not _VARIABLE.fullmatch(name):
                notes.append(f"the variable {name[:80]!r} cannot be set by an environment and is left out")
            elif value != _UNSET:
                written[name] = value
    variables |= {name.upper(): value for name, value in written.items()} | written
    wants_entrypoint = mode is Activate.ENTRYPOINT or (mode is Activate.AUTO and any(True for _ in scripts))
    if wants_entrypoint and shell is None:
        notes.append("the image has no shell, so it has no entrypoint that runs activation scripts")
    entrypoint = entrypoint_script(prefix, shell) if wants_entrypoint and shell is not None else None
    return Activation(variables, entrypoint, tuple(notes))


def with_scripts(activation: Activation, scripts: Iterable[str], evaluated: Evaluated) -> Activation:
    """Return an activation with what `scripts` set, where it is known.

    It is then there wherever a container is entered, `docker exec` included; an entrypoint has it anew at each start.

    >>> from conda_docker.scripts.activation_scripts import Evaluated
    >>> with_scripts(Activation({"A": "1"}, None), ["a.sh"], Evaluated({"B": "2"})).variables
    {'A': '1', 'B': '2'}
    """
    names = ", ".join(sorted(map(posixpath.basename, scripts)))
    notes = list(activation.notes)
    if evaluated.problem is not None and activation.entrypoint is not None:
        notes.append(
            f"what the activation scripts ({names}) set is known only to what the image's entrypoint starts, not to "
            f"`docker exec` and the like: {evaluated.problem}"
        )
    elif evaluated.problem is not None:
        notes.append(f"activation scripts are in the image but not run ({names}): {evaluated.problem}")
    if evaluated.passed_over:
        passed = ", ".join(map(posixpath.basename, evaluated.passed_over))
        notes.append(
            f"activation scripts that the image's shell does not get through are passed over ({passed}); they may need "
            "bash, which a base or the package bash brings"
        )
    if evaluated.only_in_shells:
        notes.append(
            f"activation scripts ({names}) set {', '.join(evaluated.only_in_shells)}, which no variable of an image "
            "can hold: only what the entrypoint starts has it"
        )
    if evaluated.unset:
        notes.append(
            f"activation scripts ({names}) unset {', '.join(evaluated.unset)}: only the entrypoint can do that"
        )
    return replace(activation, variables={**activation.variables, **evaluated.variables}, notes=tuple(notes))


def entrypoint_script(prefix: str, shell: str = "/bin/sh") -> str:
    """Return a script that sources every activation script of the environment and becomes the command it is given.

    The scripts are written for bash as a rule, so bash runs them where there is one. Another shell passes over a script
    that it does not get through, with a word.
    """
    return (
        f"#!{shell}\n"
        "# Sources the activation scripts of the conda environment, then becomes the command that it was given.\n"
        'if [ -z "${BASH_VERSION-}" ] && command -v bash >/dev/null 2>&1; then\n'
        '    exec bash "$0" "$@"\n'
        "fi\n"
        f'{sourcing(prefix)}exec "$@"\n'
    )


def state_file(variables: Mapping[str, str]) -> bytes:
    """Return the content of `conda-meta/state`, which holds an environment's own variables."""
    return json.dumps({"env_vars": dict(sorted(variables.items()))}).encode()
