"""The interpreter of a python package: unpacked into the cache, and run in a sandbox or not at all.

A package is foreign code, so its interpreter never runs on this machine as the user. What is in the cache is held
against a note of what was unpacked each time before it runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, mark_used
from conda_docker.cache.notes import read_note, write_note
from conda_docker.errors import InterpreterNotFound
from conda_docker.link.bytecode.python_program import PythonProgram, minor_version, probe_python
from conda_docker.sandbox.view import View
from python_docker.files.atomic import PartialFolder
from python_docker.tar import EntryType

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.package.archive import Package
    from conda_docker.sandbox import Sandbox

_COPY_SIZE = 1 << 20
_PLACE = "/python"
_NOTE = "unpacked.json"


def packaged_python(python: LockedPackage, package: Path, cache_dir: Path, sandbox: Sandbox) -> PythonProgram:
    """Return the interpreter of the python package in the archive or folder `package`, which runs in `sandbox`.

    Raises `InterpreterNotFound` when there is no interpreter in the package that runs here.
    """
    root = unpack_python(python, package, cache_dir)
    name = f"python{minor_version(python.version)}"
    if not (root / "bin" / name).is_file():
        raise InterpreterNotFound(f"the package {python.file_name} has no interpreter bin/{name}")
    libraries = {"LD_LIBRARY_PATH": f"{_PLACE}/lib"}
    view = View(folders={_PLACE: root}, system_libraries=True, variables=libraries)
    found = probe_python(tuple(sandbox.command([f"{_PLACE}/bin/{name}"], view)), {})
    if found is None:
        raise InterpreterNotFound(f"the interpreter of the package {python.file_name} does not run on this machine")
    return found


def unpack_python(python: LockedPackage, package: Path, cache_dir: Path) -> Path:
    """Unpack the interpreter of a python package, and what it starts with, into the cache; return the folder.

    Only plain files are written, so nothing in the package can lead out of the folder. A folder that is not as it was
    unpacked is unpacked anew.
    """
    name = f"{python.version}-{python.build}-{(python.sha256 or python.md5 or 'unknown')[:16]}"
    root = CacheFolder(cache_dir).python(name)
    if _is_as_unpacked(root):
        mark_used(root)
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with PartialFolder(root.parent) as partial:
        _unpack(package, partial.path, minor_version(python.version))
        write_note(partial.path / _NOTE, root.name, json.dumps(_listing(partial.path)).encode())
        # Whoever still runs it keeps the files that are removed.
        shutil.rmtree(root, ignore_errors=True)
        partial.commit_unless_there(root)
    return root


def _is_as_unpacked(root: Path) -> bool:
    try:
        noted = json.loads(read_note(root / _NOTE, root.name))
        return isinstance(noted, dict) and noted == _listing(root)
    except (OSError, ValueError):
        return False


def _listing(root: Path) -> dict[str, str]:
    """Return the mode and SHA-256 of every file below a folder but the note, by its path; links are named as such."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[relative] = "link"
            elif name in files and relative != _NOTE:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[relative] = f"{path.stat().st_mode & 0o777:o} {digest}"
    return found


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
    """Yield the files that an interpreter needs to compile: itself, its library, some modules, names of characters."""
    library = f"lib/python{minor}/"
    for entry, content in package.entries():
        path = entry.path
        if entry.type is not EntryType.FILE:
            continue
        folder, _, name = path.removeprefix(library).rpartition("/")
        is_module = path.startswith(library) and name.endswith(".py") and folder in ("", "encodings")
        is_extension = folder == "lib-dynload" and name.startswith("unicodedata.")
        if is_module or is_extension or path == f"bin/python{minor}" or path.startswith("lib/libpython"):
            yield path, 0o755 if entry.mode & 0o100 else 0o644, iter(partial(content.read, _COPY_SIZE), b"")
