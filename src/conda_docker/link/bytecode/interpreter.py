"""The Python that byte-compiles the modules of an environment: one of exactly the environment's version, or none.

The same version gives the same bytes, whichever machine it is on. A Python of this machine is taken where one has that
version, else the environment's own, in a sandbox.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import Bytecode
from conda_docker.errors import InterpreterNotFound
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.link.bytecode.compiler import Compiler


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Which Python compiles for an environment.

    `version` is what layer keys hold ("3.12.1"): that of the Python that will compile, None when none will, for the
    reason `problem`.
    """

    python: LockedPackage
    mode: Bytecode
    platform: Platform
    version: str | None
    problem: str | None = None

    @classmethod
    def choose(cls, python: LockedPackage | None, mode: Bytecode, platform: Platform) -> Interpreter | None:
        """Return what will compile for an environment with this Python; None when nothing is to be compiled."""
        if python is None or mode is Bytecode.NEVER:
            return None
        return cls(python, mode, platform, python.version)

    def start(self, cache_dir: Path, fetch: Callable[[LockedPackage], Path]) -> Compiler:
        """Return the compiler. `fetch` gives the archive or folder of a package.

        Raises `InterpreterNotFound`.
        """
        from conda_docker.link.bytecode.compiler import Compiler
        from conda_docker.link.bytecode.packaged_python import packaged_python
        from conda_docker.link.bytecode.python_program import find_on_machine

        version = self.python.version
        found = find_on_machine(version)
        if found is None and _runs_here(self.platform):
            found = packaged_python(self.python, fetch(self.python), cache_dir)
        if found is None or found.version != version:
            raise InterpreterNotFound(f"there is no Python {version} on PATH")
        return Compiler(found)


def _runs_here(platform: Platform) -> bool:
    return sys.platform == "linux" and Platform.host().matches(platform)
