"""Paths outside of the environment that its files depend on: what these lead to may not be in the image.

A line of a `.pth` file that is a folder is one that Python imports from (site, of the standard library). The first line
of a script names its interpreter: in a copy of an environment, often that of the original.
"""

from __future__ import annotations

import re

_PYTHON = re.compile(rb"#![ \t]*(/[^\s]*/python[0-9.]*)(?:\s|$)")
# Where systems have their own Python, which a base image may have as well.
_OF_SYSTEMS = ("/bin", "/usr/bin", "/usr/local/bin")


def path_elsewhere(place: str, content: bytes, prefix: str) -> str | None:
    """Return the first path outside of `prefix` that a file at this place, as it is in the image, depends on.

    >>> path_elsewhere("bin/tool", b"#!/srv/other/bin/python\\n", "/opt/conda")
    '/srv/other/bin/python'
    >>> path_elsewhere("bin/tool", b"#!/opt/conda/bin/python\\n", "/opt/conda")
    """
    if place.endswith(".pth"):
        lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
        return next((line for line in lines if line.startswith("/") and not _is_in(line, prefix)), None)
    found = _PYTHON.match(content[:4096])
    if found is None:
        return None
    program = found[1].decode("utf-8", "replace")
    return None if program.rpartition("/")[0] in _OF_SYSTEMS or _is_in(program, prefix) else program


def _is_in(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
