"""What activating an environment is to a shell: variables that name it, and scripts to source (conda/activate.py)."""

from __future__ import annotations

import posixpath
import shlex

FOLDER = "etc/conda/activate.d"
"""Where activation looks for scripts, relative to the prefix."""

PASSED_OVER = "fails in this shell and is passed over"
"""What is said, on standard error, of a script that a shell cannot run to its end."""


def active_variables(prefix: str, *, is_root_prefix: bool = False) -> dict[str, str]:
    """Return what activating the environment at `prefix` sets, but for PATH; one with conda itself is called base.

    >>> active_variables("/opt/conda/envs/app")["CONDA_DEFAULT_ENV"]
    'app'
    """
    parent, name = posixpath.split(prefix)
    named = name if posixpath.basename(parent) == "envs" else prefix
    return {
        "CONDA_PREFIX": prefix,
        "CONDA_SHLVL": "1",
        "CONDA_DEFAULT_ENV": "base" if is_root_prefix else named,
    }


def sourcing(prefix: str) -> str:
    """Return the lines of a POSIX shell that source every activation script of the environment at `prefix`.

    A script may end the shell that sources it, and with it a container before it starts: `exit`, a variable that is not
    there under `set -u`, and, unless the shell is bash, whatever bash alone knows. So a copy of the shell tries each
    script first. Called as `sh`, bash ends at what it otherwise passes over. What a script sets for itself, such as
    `set -e`, ends with it.
    """
    return (
        'if [ -n "${BASH_VERSION-}" ]; then set +o posix; fi\n'
        f"for _script in {shlex.quote(f'{prefix}/{FOLDER}')}/*.sh; do\n"
        '    if [ ! -r "$_script" ]; then continue; fi\n'
        '    (. "$_script" || :; trap - EXIT; exit 42) </dev/null >/dev/null 2>&1\n'
        '    if [ "$?" -ne 42 ]; then\n'
        f'        echo "conda-docker: $_script {PASSED_OVER}" >&2\n'
        "        continue\n"
        "    fi\n"
        '    . "$_script" || :\n'
        "    set +eu\n"
        "done\n"
        "unset _script\n"
    )
