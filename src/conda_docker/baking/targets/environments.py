"""find_environments: files that describe environments, in folders, by patterns or one by one, with a name each."""

from __future__ import annotations

import functools
import glob
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.specs import environment_yml
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from conda_docker.user_files import user_path

NAMED_AFTER_FOLDER = (
    "conda-docker.lock",
    "pixi.lock",
    "conda-lock.yml",
    "conda-lock.yaml",
    "pixi.toml",
    "environment.yml",
    "environment.yaml",
)
"""Files that bear no name of their own, the most exact first: of those in one folder the first describes it."""

_PASSED_OVER = frozenset({"node_modules", "__pycache__"})
_UNUSABLE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """A file that describes an environment, and what its image is called."""

    name: str
    path: Path


def find_environments(inputs: Iterable[str | os.PathLike[str]]) -> list[EnvironmentFile]:
    """Return the environments that files, folders and patterns describe, in their order, each file once.

    A folder is searched with those below it, but for hidden ones: for files of the names above, and for other `.yml`
    and `.yaml` files with `dependencies:`. Where one folder has several of these names, the most exact counts. In
    patterns `*` is any part of a name, and `**` any number of folders.

    An image is called after its file, and after its folder where the file says nothing, with the folders between it and
    what was given: `modules/samtools/sort/environment.yml` in `modules` is `samtools-sort`. Files that were named one
    by one get as many of their folders' names as tell them apart.

    Raises `EnvironmentNotFound` where there is nothing, with what was looked for.
    """
    found: list[EnvironmentFile] = []
    single: list[Path] = []
    for item in inputs:
        text = os.fspath(item)
        path = user_path(text)
        if path.is_dir():
            found += _below(path)
        elif path.exists():
            single.append(path)
            found.append(EnvironmentFile("", path))
        elif glob.has_magic(text):
            found += _matching(text)
        else:
            raise EnvironmentNotFound(f"there is no file or folder {text}{_hint(text)}")
    names = dict(zip(single, _names(single), strict=True))
    distinct: dict[Path, EnvironmentFile] = {}
    for each in found:
        named = replace(each, name=names[each.path]) if not each.name else each
        distinct.setdefault(each.path.absolute(), named)
    return list(distinct.values())


def _hint(text: str) -> str:
    """Return what whoever wrote something that is not there may have meant."""
    if text == "-":
        return "; many images are not described on standard input: `build -f -` builds one"
    if "/" in text or text.endswith((".yml", ".yaml", ".toml", ".lock", ".txt")):
        return ""
    return "; packages are given to `build`, and names of images to --only"


def _below(folder: Path) -> list[EnvironmentFile]:
    found = [EnvironmentFile(_name(path, folder), path) for path in _walk(folder)]
    if not found:
        raise EnvironmentNotFound(
            f"nothing in {folder} describes an environment: there is no environment.yml or the like, nor any other "
            ".yml file with `dependencies:`"
        )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        own = next((name for name in NAMED_AFTER_FOLDER if name in files), None)
        if own is not None:
            yield Path(place, own)
        for name in sorted(files):
            is_yaml = name.endswith((".yml", ".yaml")) and not name.startswith(".")
            if is_yaml and name not in NAMED_AFTER_FOLDER and _describes(Path(place, name)):
                yield Path(place, name)


def _describes(path: Path) -> bool:
    """Return whether a file that may be anything is an environment.yml by what is in it, which is read once."""
    try:
        status = path.stat()
    except OSError:
        return False
    return _describes_now(path.absolute(), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)
def _describes_now(path: Path, changed: int, size: int) -> bool:
    try:
        return "dependencies" in (file := InputFile.read(path)).keys and environment_yml.KIND.detect(file)
    except InvalidEnvironment:
        return False


def _matching(pattern: str) -> list[EnvironmentFile]:
    expanded = str(Path(pattern).expanduser())
    paths = [Path(found) for found in sorted(glob.glob(expanded, recursive=True))]  # noqa: PTH207 -- it may be absolute
    files = [path for path in paths if path.is_file()]
    if not files and any(path.is_dir() for path in paths):
        return [each for path in paths if path.is_dir() for each in _in_folder_of(path, _head(pattern))]
    if not files:
        raise EnvironmentNotFound(f"no file matches {pattern}")
    head = _head(pattern)
    return [EnvironmentFile(_name(path, head), path) for path in files]


def _in_folder_of(folder: Path, head: Path) -> list[EnvironmentFile]:
    return [EnvironmentFile(_name(path, head), path) for path in _walk(folder)]


def _head(pattern: str) -> Path:
    """Return the folders before the first part of a pattern that has something to match.

    >>> _head("modules/*/sort/environment.yml").as_posix()
    'modules'
    """
    parts = Path(pattern).expanduser().parts
    fixed = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _own_parts(path: Path) -> list[str]:
    """Return what tells of the name of an environment, from the file's folders to the file."""
    folders = [part for part in path.absolute().parent.parts if part != path.absolute().anchor]
    return folders if path.name in NAMED_AFTER_FOLDER else [*folders, path.stem]


def _name(path: Path, root: Path) -> str:
    parts = _own_parts(path)
    above = len([part for part in root.absolute().parts if part != root.absolute().anchor])
    return usable_name("-".join(parts[above:] or parts[-1:]))


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file, of as few of its folders as tell it from the others."""
    parts = {path: _own_parts(path) or ["image"] for path in paths}
    taken = dict.fromkeys(parts, 1)
    while True:
        names = {path: usable_name("-".join(own[-taken[path] :])) for path, own in parts.items()}
        twice = {name for name, number in Counter(names.values()).items() if number > 1}
        longer = [path for path, name in names.items() if name in twice and taken[path] < len(parts[path])]
        if not longer:
            return [names[path] for path in paths]
        for path in longer:
            taken[path] += 1


def usable_name(text: str) -> str:
    """Return a name that can be part of a reference, near to a text; of other scripts a digest tells names apart.

    >>> usable_name("nf-core/Samtools_sort"), usable_name("Näher"), usable_name(".."), usable_name("Δ")
    ('nf-core-samtools-sort', 'naher', 'image', 'image-3d2a2aa9')
    """
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _UNUSABLE.sub("-", letters.lower()).strip("-")
    if name or not any(mark.isalnum() for mark in text):
        return name or "image"
    return f"image-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
