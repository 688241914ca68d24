"""PythonProgram: a Python that can be started to byte-compile, and the search for one on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from python_docker.programs import PYTHON_FLAGS, run_program, search_path

_PROBE_SECONDS = 30
_MIN_VERSION = (3, 7)  # the first with unchecked-hash .pyc files
# As `exact_version` has it; on a Python that may be of any version.
_PROBE = """
import sys
v = sys.version_info
stage = "" if v[3] == "final" else {"alpha": "a", "beta": "b"}.get(v[3], "rc") + str(v[4])
kind = ("t" if "free-threading" in sys.version else "") + ("d" if hasattr(sys, "gettotalrefcount") else "")
found = [sys.implementation.name, "%d.%d.%d" % v[:3] + stage + kind, sys.implementation.cache_tag, sys.executable]
sys.stdout.write("\\n".join(found))
"""
# What a Python of this machine may need to find its own shared library.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class PythonProgram:
    """A CPython that can be started.

    `command` starts it, with the variables `environ` and no others. `version` is exact, in the notation of
    `exact_version`; Pythons with the same one compile to the same bytes. `tag` is what `.pyc` files are named by.
    """

    command: tuple[str, ...]
    version: str
    tag: str
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def minor_version(self) -> str:
        """The version in the form that matters to packages: "3.12"."""
        return minor_version(self.version)


def exact_version() -> str:
    """Return the version of this process's own Python.

    A pre-release has its stage ("3.14.0rc2"), a free-threaded build a `t` at the end ("3.13.5t"), and a debug build a
    `d`: they compile to other bytes than the release.
    """
    major, minor, micro, level, serial = sys.version_info
    stage = "" if level == "final" else {"alpha": "a", "beta": "b"}.get(level, "rc") + str(serial)
    kind = ("t" if "free-threading" in sys.version else "") + ("d" if hasattr(sys, "gettotalrefcount") else "")
    return f"{major}.{minor}.{micro}{stage}{kind}"


def minor_version(version: str) -> str:
    """Return major and minor version of an exact one.

    >>> minor_version("3.13.5t")
    '3.13'
    """
    return ".".join(version.split(".")[:2])


def cache_tag(version: str) -> str:
    """Return what CPython of that version names `.pyc` files by (PEP 3147).

    >>> cache_tag("3.12.1")
    'cpython-312'
    """
    return "cpython-" + minor_version(version).replace(".", "")


def find_on_machine(version: str) -> PythonProgram | None:
    """Return a Python of this machine with exactly that version: this process's own, or one on PATH."""
    for executable in _candidates(minor_version(version)):
        found = probe_python((executable,))
        if found is not None and found.version == version:
            return found
    return None


def _candidates(minor: str) -> Iterator[str]:
    if sys.executable:
        yield sys.executable
    for folder in search_path(os.environ).split(os.pathsep):
        for name in (f"python{minor}", "python3", "python"):
            found = shutil.which(name, path=folder)
            if found is not None and Path(found).is_absolute():
                yield found


def probe_python(command: tuple[str, ...], environ: Mapping[str, str] | None = None) -> PythonProgram | None:
    """Return the Python that `command` starts, None when it cannot be run or cannot compile reproducibly."""
    return _probe(command, None if environ is None else tuple(sorted(environ.items())))


@cache
def _probe(command: tuple[str, ...], variables: tuple[tuple[str, str], ...] | None) -> PythonProgram | None:
    libraries = {name: os.environ[name] for name in _LIBRARY_PATHS if name in os.environ}
    own = libraries if variables is None else dict(variables)
    if command == (sys.executable,) and Path(sys.executable).name.startswith("python"):
        # This process's own, and no program that Python is embedded in: that need not be run to be known.
        found = [sys.implementation.name, exact_version(), str(sys.implementation.cache_tag), sys.executable]
    else:
        # Wrappers on PATH, such as pyenv's, look for other programs and for the user's settings.
        needed = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ and variables is None}
        try:
            ended = run_program(
                [*command, *PYTHON_FLAGS, "-S", "-B", "-X", "utf8=1", "-c", _PROBE],
                environ=own | needed,
                timeout=_PROBE_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found = ended.stdout.decode("utf-8", "surrogateescape").split("\n")
        if ended.returncode != 0 or len(found) != 4:
            return None
    implementation, version, tag, executable = found
    numbers = tuple(int(part) for part in minor_version(version).split(".") if part.isdigit())
    if implementation != "cpython" or numbers < _MIN_VERSION or tag != cache_tag(version):
        return None
    # A wrapper tells where the Python is that it chose, here and now.
    start = command if len(command) > 1 else (executable or command[0],)
    return PythonProgram(start, version, tag, own)
