"""The Python that byte-compiles the modules of an environment: of exactly its version wherever that can be had.

The same version gives the same bytes, whichever machine it is on. So a Python of this machine is taken when its version
is the environment's, else the environment's own, unpacked to the cache where it can run, and only then one of the same
minor version, whose files are as valid but may differ in bytes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import Bytecode
from conda_docker.cache.folder import CacheFolder, mark_used
from conda_docker.errors import UnsupportedInput
from python_docker.files.atomic import PartialFolder
from python_docker.spec.platform import Platform
from python_docker.tar import EntryType

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.package.archive import Package

_COPY_SIZE = 1 << 20


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Which Python compiles for an environment.

    `version` is what layer keys hold ("3.12.1"): that of the Python that will compile, None when none will.
    """

    python: LockedPackage
    mode: Bytecode
    platform: Platform
    version: str | None

    @classmethod
    def choose(cls, python: LockedPackage | None, mode: Bytecode, platform: Platform) -> Interpreter | None:
        """What will compile for an environment with this Python, told without starting one where possible.

        None when nothing is to be compiled. Raises `UnsupportedInput` when something must be, and cannot.
        """
        if python is None or mode is Bytecode.NEVER:
            return None
        if _runs_here(platform) or python.version == _own_version():
            return cls(python, mode, platform, python.version)
        local = _local(python.version)
        if local is None and mode is Bytecode.ALWAYS:
            raise UnsupportedInput(
                f"byte-compiling for {platform} needs a Python {_minor(python.version)} on this machine, and there is "
                "none on PATH; install one, or leave --bytecode at auto"
            )
        return cls(python, mode, platform, local.version if local is not None else None)

    def start(self, cache_dir: Path, fetch: Callable[[LockedPackage], Path]) -> Compiler | None:
        """The compiler, None when there turns out to be none. `fetch` gives the archive or folder of a package."""
        from conda_docker.link.bytecode.compiler import probe_compiler

        local = _local(self.python.version)
        if local is not None and local.version == self.python.version:
            return local
        if _runs_here(self.platform):
            own = probe_compiler(unpack_python(self.python, fetch(self.python), cache_dir))
            if own is not None and own.version == self.python.version:
                return own
        if local is None and self.mode is Bytecode.ALWAYS:
            raise UnsupportedInput(
                f"byte-compiling needs a Python {_minor(self.python.version)} that runs on this machine, and neither "
                "PATH nor the environment has one; leave --bytecode at auto to do without"
            )
        return local


def _own_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _runs_here(platform: Platform) -> bool:
    return sys.platform == "linux" and Platform.host().matches(platform)


def _local(version: str) -> Compiler | None:
    """A Python of this machine of that version, or else of the same minor version."""
    from conda_docker.link.bytecode.compiler import probe_compiler

    found = None
    for executable in (sys.executable, shutil.which(f"python{_minor(version)}")):
        compiler = probe_compiler(Path(executable)) if executable else None
        if compiler is not None and compiler.version == version:
            return compiler
        if compiler is not None and compiler.minor_version == _minor(version):
            found = found or compiler
    return found


def unpack_python(python: LockedPackage, package: Path, cache_dir: Path) -> Path:
    """Unpack the interpreter and the standard library of a python package into the cache; gives its executable.

    Only plain files are written, links to them as copies, so nothing in the package can lead out of the folder.
    """
    minor = _minor(python.version)
    name = f"{python.version}-{python.build}-{(python.sha256 or python.md5 or 'unknown')[:16]}"
    root = CacheFolder(cache_dir).python(name)
    executable = root / "bin" / f"python{minor}"
    if executable.exists():
        mark_used(root)
        return executable
    root.parent.mkdir(parents=True, exist_ok=True)
    with PartialFolder(root.parent) as partial:
        _unpack(package, partial.path, minor)
        partial.commit_unless_there(root)
    return executable


def _unpack(package: Path, root: Path, minor: str) -> None:
    from conda_docker.package.archive import open_package

    for path, mode, pieces in _needed(open_package(package), minor):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        target.chmod(mode)


def _needed(package: Package, minor: str) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """The files that an interpreter needs to compile: itself, its shared library, the standard library's modules."""
    library = f"lib/python{minor}/"
    for entry, content in package.entries():
        path = entry.path
        if entry.type is not EntryType.FILE:
            continue
        is_module = path.startswith(library) and path.endswith(".py") and "/site-packages/" not in path
        if (is_module and "/test" not in path) or path == f"bin/python{minor}" or path.startswith("lib/libpython"):
            yield path, 0o755 if entry.mode & 0o100 else 0o644, iter(partial(content.read, _COPY_SIZE), b"")
