"""Variables that users declare: what they refer to, and what they take away from an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conda_docker.build_options import Activate

_PATH = re.compile(r"\$(?:PATH(?![A-Za-z0-9_])|\{PATH\})")
_REFERENCE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_SHOWN = 200


def declared_variables(declared: Mapping[str, str], path: str) -> dict[str, str]:
    """Return the variables that are `declared`, in the order of their names.

    In PATH, `$PATH` and `${PATH}` are the image's own `path`, as in a Dockerfile's `ENV`; that is what nearly everybody
    who sets it wants. All other values are as they are written: a `$` may be part of a password.

    >>> declared_variables({"PATH": "/srv/bin:$PATH", "B": "$PATH"}, "/opt/conda/bin:/bin")
    {'B': '$PATH', 'PATH': '/srv/bin:/opt/conda/bin:/bin'}
    """
    found = dict(sorted(declared.items()))
    if "PATH" in found:
        found["PATH"] = _PATH.sub(lambda _: path, found["PATH"])
    return found


def notes_on_declared(
    declared: Mapping[str, str], base_variables: Mapping[str, str], prefix: str, mode: Activate
) -> Iterator[str]:
    """Yield what variables that are `declared` do to an environment at `prefix` that their author hardly wants.

    >>> [note] = notes_on_declared({"PATH": "/srv/bin"}, {}, "/opt/conda", Activate.AUTO)
    >>> note.partition(": ")[0]
    "--env PATH leaves out the environment's folder /opt/conda/bin"
    """
    path, active = declared.get("PATH", "$PATH"), declared.get("CONDA_PREFIX", prefix)
    activates = mode is not Activate.NEVER
    if activates and not _PATH.search(path) and f"{prefix}/bin" not in path.split(":"):
        yield (
            f"--env PATH leaves out the environment's folder {prefix}/bin: no program of it is found by its name; "
            f"--env 'PATH={path[:_SHOWN]}:$PATH' keeps what is there"
        )
    if activates and active.rstrip("/") != prefix:
        yield (
            f"--env CONDA_PREFIX={active[:_SHOWN]} is not where the environment is, {prefix}: programs take it for "
            "one that is not active, and its activation scripts are not run"
        )
    known = {*declared, *base_variables, "PATH", "HOME", "CONDA_PREFIX"}
    literal = [
        f"{name} (${reference})"
        for name, value in sorted(declared.items())
        for reference in dict.fromkeys(one or other for one, other in _REFERENCE.findall(value))
        if reference in known and (name, reference) != ("PATH", "PATH")
    ]
    if literal:
        yield (
            f"values of --env are as they are written, but for $PATH in PATH: {', '.join(literal)} is not replaced; "
            "write out what it should stand for, if anything"
        )
