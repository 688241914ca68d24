"""What shells of a container read: an entrypoint that sources activation scripts, and a script of login shells."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from conda_docker.environment.active import sourcing


def entrypoint_script(
    prefix: str,
    shell: str = "/bin/sh",
    *,
    undone: Mapping[str, tuple[str, str | None]] | None = None,
    kept: Iterable[str] = (),
) -> str:
    """Return a script that sources every activation script of the environment and becomes the command it is given.

    The scripts are written for bash as a rule, so bash runs them where there is one. A script that the shell cannot
    run to its end is passed over, and it says so.

    `undone` are the values that scripts have already given to variables of the image, each with the one before (None:
    it was unset). Scripts find the latter, so that what adds to a variable adds to it once. A container that is started
    with another value keeps that. Variables that are `kept` have, after all scripts, the value that they started with.
    Where another environment is active, one on top of an image with this one, scripts would take that for theirs: none
    is sourced then.
    """
    saved = "".join(f'[ -z "${{{name}+x}}" ] || _kept_{name}=${name}\n' for name in kept)
    restored = "".join(
        f'[ -z "${{_kept_{name}+x}}" ] || export {name}="$_kept_{name}"\nunset _kept_{name}\n' for name in kept
    )
    return (
        f"#!{shell}\n"
        "# Sources the activation scripts of the conda environment, then becomes the command that it was given.\n"
        'if [ -z "${BASH_VERSION-}" ] && command -v bash >/dev/null 2>&1; then\n'
        '    exec bash "$0" "$@"\n'
        "fi\n"
        f'if [ -n "${{CONDA_PREFIX-}}" ] && [ "$CONDA_PREFIX" != {shlex.quote(prefix)} ]; then exec "$@"; fi\n'
        f"{''.join(_undo(name, *values) for name, values in sorted((undone or {}).items()))}"
        f"{saved}"
        f"{sourcing(prefix)}"
        f"{restored}"
        'exec "$@"\n'
    )


def _undo(name: str, value: str, before: str | None) -> str:
    undo = f"unset {name}" if before is None else f"{name}={shlex.quote(before)}"
    return f'if [ "${{{name}-}}" = {shlex.quote(value)} ]; then {undo}; fi\n'


def login_script(
    prefix: str, variables: Mapping[str, str], front: str, back: str = "", base_prefix: str | None = None
) -> str:
    """Return a script for `/etc/profile.d`, for shells that set PATH anew or start without any variable of the image.

    The former hides the environment in login shells, the latter is what `su -` and sshd do. `variables` are those of
    the active environment, `front` and `back` the folders that it adds to PATH at either end. `base_prefix` is the
    environment of the base image, whose script has been read before.
    """
    first, last = shlex.quote(front), shlex.quote(back)
    inactive = '[ -z "${CONDA_PREFIX-}" ]'
    if base_prefix:
        inactive += f' || [ "$CONDA_PREFIX" = {shlex.quote(base_prefix)} ]'
    exports = "".join(f"    export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    return (
        "# The conda environment comes first in login shells, too.\n"
        f"{_unless_there(first, f'{first}:$PATH')}"
        f"{_unless_there(last, f'$PATH:{last}') if back else ''}"
        f"if {inactive}; then\n{exports}fi\n"
    )


def _unless_there(folders: str, path: str) -> str:
    return f'case ":$PATH:" in\n    *:{folders}:*) ;;\n    *) PATH={path}; export PATH ;;\nesac\n'
