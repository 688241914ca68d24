"""Which Python byte-compiles the modules of an environment: one of exactly its version, or none.

The same version gives the same bytes on every machine, so the version is part of a layer's recipe, and known before any
machine is asked. A Python that has it is, in turn: this process's own, one on PATH, the environment's own, and that of
the same version which the channel has for this machine's platform; the last two run in a sandbox.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from conda_docker.errors import (
    ChannelError,
    DownloadError,
    InterpreterNotFound,
    InvalidPackage,
    SandboxUnavailable,
    Unsolvable,
)

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.bytecode.python_program import PythonProgram

_RELEASE = re.compile(r"3\.(\d+)\.\d+(?:(?:a|b|rc)\d+)?")
_OLDEST = 7  # Python 3.7 is the first with unchecked-hash .pyc files
_NOT_HAD = (ChannelError, DownloadError, InterpreterNotFound, InvalidPackage, SandboxUnavailable, Unsolvable)
_FREE_THREADED = re.compile(r"_cp\d+t\b|\bpython3\.\d+t/")
_OTHER_KINDS = re.compile(r"pypy|graalpy", re.IGNORECASE)


def bytecode_version(python: LockedPackage) -> str:
    """Return the exact version of the CPython whose `.pyc` files a python package reads, such as "3.12.1" or "3.13.5t".

    Raises `InterpreterNotFound` where there is none: for other kinds of Python, and for releases before 3.7.
    """
    if kind := _OTHER_KINDS.search(python.build) or _OTHER_KINDS.search(" ".join(python.depends)):
        raise InterpreterNotFound(f"{python.stem} is {kind[0]}, and only CPython's modules can be compiled")
    release = _RELEASE.fullmatch(python.version)
    if release is None or int(release[1]) < _OLDEST:
        raise InterpreterNotFound(f"{python.stem} is not a release of CPython 3.{_OLDEST} or later")
    # Builds without the global interpreter lock have their modules in lib/python3.13t and the like.
    free_threaded = _FREE_THREADED.search(f"{python.build} {python.python_site_packages_path}")
    return python.version + ("t" if free_threaded else "")


@dataclass(frozen=True, slots=True)
class Interpreters:
    """Where the Python of an environment can be had: `python` is its package, `subdir` that of the environment."""

    python: LockedPackage
    subdir: str
    cache_dir: Path
    offline: bool = False

    @classmethod
    def of(cls, environment: LockedEnvironment, cache_dir: Path, *, offline: bool = False) -> Self | None:
        """Return where the Python of an environment can be had, None where it has none."""
        python = environment.python
        return None if python is None else cls(python, environment.subdir, cache_dir, offline)

    def start(self, version: str) -> Compiler:
        """Return a compiler with the Python of exactly that version. Raises `InterpreterNotFound`, `CacheError`."""
        from conda_docker.link.bytecode.compiler import Compiler
        from conda_docker.link.bytecode.python_program import find_on_machine

        return Compiler(find_on_machine(version) or self._packaged(version))

    def _packaged(self, version: str) -> PythonProgram:
        from conda_docker.cache.folder import CacheFolder
        from conda_docker.link.bytecode.packaged_python import packaged_python
        from conda_docker.package.fetch.fetch import fetch_packages
        from conda_docker.sandbox import find_sandbox

        here = f"no Python {version} is on PATH"
        try:
            sandbox = find_sandbox()
            python = self._python_for_this_machine(version)
            [(_, path)] = fetch_packages([python], self.cache_dir, offline=self.offline)
            with CacheFolder(self.cache_dir).writing():
                found = packaged_python(python, path, self.cache_dir, sandbox)
        except _NOT_HAD as error:
            raise InterpreterNotFound(f"{here}, and {error}") from error
        if found.version != version:
            raise InterpreterNotFound(f"{here}, and the one in {python.file_name} is Python {found.version}")
        return found

    def _python_for_this_machine(self, version: str) -> LockedPackage:
        """Return the environment's own python package, or that of the same version for this machine's platform."""
        from conda_docker.environment.subdirs import platform_of_subdir, subdir_of_platform
        from python_docker.spec.platform import Platform

        host = Platform.host()
        if sys.platform == "linux" and host.matches(platform_of_subdir(self.subdir)):
            return self.python
        from conda_docker.environment.solve.rattler import solve
        from conda_docker.environment.solve.request import SolveRequest
        from conda_docker.environment.virtual_packages import virtual_packages

        subdir = subdir_of_platform(host)
        if self.python.channel is None:
            raise InterpreterNotFound(f"{self.python.file_name} names no channel that may have one for {subdir}")
        build = " *_cp3*t" if version.endswith("t") else ""
        question = SolveRequest(
            specs=(f"python =={self.python.version}{build}",),
            subdir=subdir,
            virtual_packages=virtual_packages(subdir),
            channels=(self.python.channel,),
            override_channels=True,
            offline=self.offline,
        )
        found = solve(question).python
        assert found is not None, "what is solved for has what was asked for"
        return found
