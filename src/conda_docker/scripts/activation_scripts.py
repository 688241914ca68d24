"""Activation scripts, run at build time: what they set becomes variables of the image, wherever a container is entered.

`docker exec`, Kubernetes' `command:` and `apptainer exec` pass over an image's entrypoint, and with it the scripts that
it sources. Evaluated here, in a sandbox on the merged files, plain variables are there all the same. They are evaluated
twice, at different times and by different processes: what differs is for each start of a container to find, and no
image depends on it.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conda_docker.environment.active import PASSED_OVER, sourcing
from conda_docker.redaction import public_output
from conda_docker.sandbox.view import View
from conda_docker.scripts.tree import lay_out
from python_docker.errors import reason_of
from python_docker.programs import limited, run_program

if TYPE_CHECKING:
    from conda_docker.sandbox import Sandbox
    from python_docker.image.layer import Layer

TIME_LIMIT = 60
"""Seconds for all of them, each of the two times that they run."""
_MEMORY_LIMIT = 4 << 30  # bytes of a process: what a script starts may well reserve more than it uses
_FILE_LIMIT = 1 << 30  # bytes
_OUTPUT = 1 << 20  # bytes
_ELSEWHERE = """\
date() { command date -d "1999-11-21 07:33:09" "$@"; }
nproc() { echo 9973; }
unset EPOCHSECONDS EPOCHREALTIME
EPOCHSECONDS=943169589 EPOCHREALTIME=943169589.271828
"""
"""What the second shell takes for the time, and for this machine's processors. Random numbers, and
those of processes, are other ones anyway."""
_ANOTHER_PROCESS = '"$@"; exit "$?"'
# Each prints its own environment, which is what scripts export.
_PRINTERS = (
    *((f"{folder}/cat", "/proc/self/environ") for folder in ("/usr/bin", "/bin")),
    *((f"{folder}/env", "-0") for folder in ("/usr/bin", "/bin")),
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTION = re.compile(r"BASH_FUNC_(.+?)(?:%%|\(\))")
_OF_THE_SHELL = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "HOME", "PS1", "PS2", "PS4", "IFS", "OPTIND", "BASH_ENV"})
_SHELLS = ("/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What activation scripts set in an environment, and why it is not known where it is not (`problem`).

    `unset` are variables of the image that they take away, which only a shell can do, and `only_in_shells` those that
    an image cannot hold: functions, and values that are no text. `passed_over` are scripts that the image's shell does
    not get through, and `varying` variables, with one of their values, that are set to something else each time.
    """

    variables: Mapping[str, str]
    unset: tuple[str, ...] = ()
    problem: str | None = None
    only_in_shells: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()
    varying: Mapping[str, str] = field(default_factory=dict)


def evaluate(
    layers: Sequence[Layer],
    scripts: Sequence[str],
    prefix: str,
    variables: Mapping[str, str],
    *,
    home: str,
    sandbox: Sandbox,
) -> Evaluated:
    """Return what sourcing `scripts`, absolute paths in the image, does to its `variables`.

    They run in a shell of the image (bash where there is one), on the merged files of `layers`, bottom first, twice.
    `home` is the home folder of the user that containers run as. Whatever goes wrong ends in a `problem`, never in an
    error: the entrypoint sources them all the same.
    """
    with lay_out(layers) as tree:
        shells = (f"{prefix}/bin/bash", *_SHELLS)
        shell = next((path for path in shells if tree.files.has_file(path)), None)
        if shell is None:
            return Evaluated({}, problem="the image has no shell")
        printer = next((words for words in _PRINTERS if tree.files.has_file(words[0])), None)
        if printer is None:
            return Evaluated({}, problem="the image has neither `cat` nor `env`")
        # Whatever scripts print, or do to their standard output, what they set is printed where they do not.
        text = f"{sourcing(prefix)}exec {' '.join(printer)} >&9\n"
        command = [shell, "-c", f"exec 9>&1 >&2\n{text}"]
        later = [shell, "-c", _ANOTHER_PROCESS, shell, shell, "-c", f"exec 9>&1 >&2\n{_ELSEWHERE}{text}"]
        view = View(
            writable={"/": tree.folder},
            temporary=("/tmp", "/run"),  # noqa: S108 -- the sandbox's own
            devices=True,
            root=True,
            variables={**variables, "HOME": home},
        )
        first, second = (_run(sandbox.command(words, view), scripts, variables) for words in (command, later))
    return first if first.problem is not None else in_common(first, second, variables)


def _run(command: Sequence[str], scripts: Sequence[str], variables: Mapping[str, str]) -> Evaluated:
    try:
        bounded = limited(command, memory=_MEMORY_LIMIT, file_size=_FILE_LIMIT)
        ended = run_program(bounded, environ={}, timeout=TIME_LIMIT, keep=_OUTPUT)
    except subprocess.TimeoutExpired:
        return Evaluated({}, problem=f"they did not end within {TIME_LIMIT} seconds")
    except OSError as error:
        return Evaluated({}, problem=reason_of(error))
    said = public_output(ended.stderr.decode("utf-8", "replace"), variables).strip().splitlines()
    if ended.returncode != 0 or not ended.stdout:
        ended_with = f"a script ends the shell, with exit code {ended.returncode}"
        return Evaluated({}, problem=said[-1][:300] if said else ended_with)
    lost = [line for line in said if line.endswith(PASSED_OVER)]
    passed_over = tuple(script for script in scripts if any(f" {script} {PASSED_OVER}" in line for line in lost))
    return replace(difference(variables, ended.stdout), passed_over=passed_over)


def in_common(first: Evaluated, second: Evaluated, before: Mapping[str, str]) -> Evaluated:
    """Return what two runs of scripts on the same variables `before` have in common, and what varies.

    >>> in_common(Evaluated({"A": "1", "NOW": "17:01"}), Evaluated({"A": "1", "NOW": "17:02"}), {}).varying
    {'NOW': '17:01'}
    """
    if second.problem is not None:
        return second

    def value(found: Evaluated, name: str) -> str | None:
        return None if name in found.unset else found.variables.get(name, before.get(name))

    names = {*first.variables, *second.variables, *first.unset, *second.unset}
    varying = {name: value(first, name) or "" for name in sorted(names) if value(first, name) != value(second, name)}
    return replace(
        first,
        variables={name: text for name, text in first.variables.items() if name not in varying},
        unset=tuple(name for name in first.unset if name not in varying),
        only_in_shells=tuple(sorted({*first.only_in_shells, *second.only_in_shells} - varying.keys())),
        passed_over=tuple(dict.fromkeys((*first.passed_over, *second.passed_over))),
        varying=varying,
    )


def key_of_activation(layers: Sequence[Layer], scripts: Sequence[str], variables: Mapping[str, str], home: str) -> str:
    """Return the key of what `scripts` set: a digest of all that they can see."""
    inputs = {
        "layers": [str(layer.diff_id) for layer in layers],
        "scripts": list(scripts),
        "variables": dict(variables),
        "home": home,
    }
    return hashlib.sha256(b"activation 5" + json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def difference(before: Mapping[str, str], printed: bytes) -> Evaluated:
    """Return what `printed`, as `env -0` prints variables, has over `before`.

    >>> difference({"A": "1", "B": "2"}, b"A=1\\0C=3\\0PWD=/\\0")
    Evaluated(variables={'C': '3'}, unset=('B',), problem=None, only_in_shells=(), passed_over=(), varying={})
    """
    after: dict[str, str] = {}
    functions: list[str] = []
    for item in printed.split(b"\0"):
        name, separator, value = item.decode("utf-8", "surrogateescape").partition("=")
        if separator and _NAME.fullmatch(name) and name not in _OF_THE_SHELL:
            after[name] = value
        elif (function := _FUNCTION.fullmatch(name)) is not None:
            functions.append(f"{function[1]}()")
    changed = {name: value for name, value in sorted(after.items()) if before.get(name) != value}
    usable = {name: value for name, value in changed.items() if _is_text(value)}
    # Shells do not pass on what they cannot name themselves, such as `a-b`: no script has taken it away.
    gone = before.keys() - after.keys() - _OF_THE_SHELL
    unset = tuple(sorted(name for name in gone if _NAME.fullmatch(name)))
    return Evaluated(usable, unset, only_in_shells=(*sorted(changed.keys() - usable.keys()), *sorted(functions)))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
