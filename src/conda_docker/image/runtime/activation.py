"""What `conda activate` would set, as an image's Env, and an entrypoint for what only a shell can do.

Rules: conda/activate.py and conda/common of conda 24 and later, observed on a hand-made prefix.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from conda_docker.build_options import Activate
from conda_docker.environment.active import active_variables
from conda_docker.image.runtime.shell_scripts import entrypoint_script

if TYPE_CHECKING:
    from conda_docker.scripts.activation_scripts import Evaluated

# What Docker uses when an image says nothing (moby, daemon: DefaultPathEnv).
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTRYPOINT_NAME = "conda-docker-entrypoint"
_UNSET = "***unset***"
_RESERVED = frozenset({"PATH"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_NONE: Mapping[str, str] = {}


class Activation(NamedTuple):
    """What to do to an image: variables to set, the text of an entrypoint (or None), and what could not be done.

    `scripted` are variables that activation scripts set on top of all others, also those that a user declares.
    `base_prefix` is the environment that is active in the base image.
    """

    variables: Mapping[str, str]
    entrypoint: str | None
    notes: tuple[str, ...] = ()
    scripted: Mapping[str, str] = _NONE
    base_prefix: str | None = None
    before: Mapping[str, str] = _NONE
    """The values, where there were any, that variables in `scripted` had before."""
    kept: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return what the scripts are made of, and `with_record` reads, as JSON values."""
        value = {
            "variables": dict(self.variables),
            "scripted": dict(self.scripted),
            "basePrefix": self.base_prefix,
            "before": dict(self.before),
            "kept": list(self.kept),
        }
        return {name: part for name, part in value.items() if part}

    def with_record(self, record: Mapping[str, Any], prefix: str, shell: str | None) -> Activation:
        """Return the activation that `to_json` described. Raises `TypeError` or `ValueError` for what it never says."""
        variables, scripted, before = (dict(record.get(key, {})) for key in ("variables", "scripted", "before"))
        kept, base_prefix = tuple(record.get("kept", ())), record.get("basePrefix")
        if not all(map(_VARIABLE.fullmatch, (*variables, *scripted, *kept))):
            raise ValueError("the history names a variable that cannot be one")
        values = (*variables.values(), *scripted.values(), *before.values(), base_prefix or "")
        if not all(isinstance(value, str) for value in values):
            raise TypeError("the history gives a variable a value that is no string")
        found = Activation(variables, self.entrypoint, (), scripted, base_prefix, before, kept)
        return found.with_entrypoint(prefix, shell)

    def with_entrypoint(self, prefix: str, shell: str | None) -> Activation:
        """Return the same, whose entrypoint, if there is one, knows what scripts have set already."""
        if self.entrypoint is None or shell is None:
            return self
        undone = {name: (value, self.before.get(name)) for name, value in self.scripted.items()}
        return self._replace(entrypoint=entrypoint_script(prefix, shell, undone=undone, kept=self.kept))


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
        "PATH": _search_path(f"{prefix}/bin", base_variables.get("PATH") or DEFAULT_PATH),
        **active_variables(prefix, is_root_prefix=is_root_prefix),
    }
    written: dict[str, str] = {}
    # In whatever order a file has them: lists and images that are built again have them sorted.
    of_environment = dict(sorted(environment_variables.items()))
    for source in (*(fields for _, fields in sorted(package_variables.items())), of_environment):
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
    return Activation(variables, entrypoint, tuple(notes), base_prefix=base_variables.get("CONDA_PREFIX"))


def _search_path(own: str, base: str) -> str:
    return ":".join([own, *(folder for folder in base.split(":") if folder != own)])


def with_scripts(
    activation: Activation,
    prefix: str,
    scripts: Iterable[str],
    evaluated: Evaluated,
    *,
    before: Mapping[str, str],
    declared: Mapping[str, str],
    shell: str | None = "/bin/sh",
) -> Activation:
    """Return an activation with what `scripts` set, where it is known.

    It is then there wherever a container is entered, `docker exec` included; an entrypoint has it anew at each start.
    `before` are the variables that the scripts were run with. A variable that users have `declared` keeps its value
    however a container is entered, unless a script adds to that.

    >>> from conda_docker.scripts.activation_scripts import Evaluated
    >>> plain, evaluated = Activation({"A": "1"}, None), Evaluated({"B": "2", "C": "3"})
    >>> with_scripts(plain, "/opt/conda", ["a.sh"], evaluated, before={}, declared={"C": "4"}).scripted
    {'B': '2'}
    """
    names = ", ".join(sorted(map(posixpath.basename, scripts)))
    found = {**evaluated.variables, **evaluated.varying}
    replaced = [name for name, value in found.items() if _replaces(value, declared.get(name))]
    kept = sorted({*replaced, *(name for name in evaluated.unset if name in declared)})
    scripted = {name: value for name, value in evaluated.variables.items() if name not in kept}
    notes = (*activation.notes, *_notes(names, evaluated, kept, has_entrypoint=activation.entrypoint is not None))
    known = {name: before[name] for name in scripted if name in before}
    complete = activation._replace(scripted=scripted, notes=notes, before=known, kept=tuple(kept))
    return complete.with_entrypoint(prefix, shell)


def _replaces(value: str, declared: str | None) -> bool:
    """Tell whether a script that gives a variable this value discards what a user declared it to be."""
    return declared is not None and (not declared or declared not in value)


def _notes(names: str, evaluated: Evaluated, kept: Iterable[str], *, has_entrypoint: bool) -> Iterable[str]:
    if evaluated.problem is not None and has_entrypoint:
        yield (
            f"what the activation scripts ({names}) set is known only to what the image's entrypoint starts, not to "
            f"`docker exec` and the like: {evaluated.problem}"
        )
    elif evaluated.problem is not None:
        yield f"activation scripts are in the image but not run ({names}): {evaluated.problem}"
    if evaluated.passed_over:
        passed = ", ".join(map(posixpath.basename, evaluated.passed_over))
        yield (
            f"activation scripts are skipped, since the image's shell cannot run them to the end ({passed}): they end "
            "it, as `exit` does, or need bash, which a base or the package bash brings"
        )
    if evaluated.only_in_shells:
        yield (
            f"activation scripts ({names}) set {', '.join(evaluated.only_in_shells)}, which no variable of an image "
            "can hold: only what the entrypoint starts has it"
        )
    varying = [name for name in evaluated.varying if name not in kept]
    if varying:
        yield (
            f"activation scripts ({names}) set {', '.join(varying)} to something else each time: only what the "
            "entrypoint starts has it, not the image's variables"
        )
    unset = [name for name in evaluated.unset if name not in kept]
    if unset:
        yield f"activation scripts ({names}) unset {', '.join(unset)}: only the entrypoint can do that"
    if kept:
        yield f"activation scripts ({names}) would change {', '.join(kept)}; the value given with --env stays"


def state_file(variables: Mapping[str, str]) -> bytes:
    """Return the content of `conda-meta/state`, which holds an environment's own variables."""
    return json.dumps({"env_vars": dict(sorted(variables.items()))}).encode()
