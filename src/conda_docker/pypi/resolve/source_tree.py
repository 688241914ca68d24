"""The folder of a project's sources: what of it counts, and a copy to build from.

Build backends write into the folder that they build (setuptools leaves `build/lib` there, and packs it again the next
time), so nothing is ever built in the user's own.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import BuildFailed, InvalidEnvironment
from conda_docker.git import run_git
from conda_docker.user_files import read_text
from python_docker.errors import NotFound, reason_of

_PASSED_OVER = frozenset(
    {
        *(".git", ".hg", ".svn", ".tox", ".nox", ".venv", ".pixi", ".eggs"),
        *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
    }
)
_BUILT = frozenset({"build", "dist"})  # in the folder of a project; elsewhere, and with modules, they are packages


def stated_name(folder: Path) -> str | None:
    """Return the name that a project's pyproject.toml gives it; None where there is none, or the file is damaged."""
    try:
        document = tomllib.loads(read_text(folder / "pyproject.toml"))
    except (InvalidEnvironment, tomllib.TOMLDecodeError, RecursionError):
        return None
    project = document.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    return normalize_name(name) if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9._-]+", name) else None


def tree_digest(folder: Path) -> str:
    """Return a digest, in hexadecimal digits, of the files of a project with their names, and of its commit.

    Raises `BuildFailed` for what cannot be read.
    """
    total = hashlib.sha256()
    try:
        for name, path in _files(folder):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{name}\0{_mode(path):o}\0{content}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise _unreadable(folder, error) from error
    if _repository(folder) is not None:
        # Some backends take the version from the commit and its tags.
        described = _git(folder, "describe", "--tags", "--long", "--always", "--abbrev=40")
        total.update(described or b"")
    return total.hexdigest()


def copy_tree(folder: Path, scratch: Path) -> Path:
    """Return a copy of a project below `scratch`, at its place in a clone of its repository if it has one.

    Left out is what builds and tools leave behind. Links are followed, and modes do not depend on the umask. Raises
    `BuildFailed` for what cannot be read.
    """
    folder = folder.absolute()
    target = scratch / folder.name
    top = _repository(folder)
    if top is not None and _cloned(top, scratch / top.name):
        target = scratch / top.name / folder.relative_to(top)
    else:
        top = None
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, path in _files(folder):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(_mode(path))
        if top is not None:
            _copy_ignore_files(top, folder, scratch / top.name)
    except OSError as error:
        raise _unreadable(folder, error) from error
    if top is not None:
        _excuse_absent_files(scratch / top.name)
    return target


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a project, each with its name in it, sorted."""
    yield from _files_below(folder, "", (folder.resolve(),))


def _files_below(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.name in _PASSED_OVER or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            real = path.resolve()
            built = not prefix and path.name in _BUILT and not (path / "__init__.py").exists()
            # A link to a folder around it would have no end.
            if not built and real not in above and not (path / "pyvenv.cfg").exists():
                yield from _files_below(path, f"{prefix}{path.name}/", (*above, real))
        elif path.is_file():
            yield f"{prefix}{path.name}", path


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644


def _repository(folder: Path) -> Path | None:
    """Return the top of the git repository that a folder is in."""
    folder = folder.absolute()
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def _git(folder: Path, *arguments: str, protocols: str = "", stdin: bytes | None = None) -> bytes | None:
    """Return what git printed, None where it failed or is not installed."""
    try:
        done = run_git(folder, *arguments, protocols=protocols, input=stdin)
    except (NotFound, OSError):
        return None
    return None if done.returncode else done.stdout


def _cloned(top: Path, folder: Path) -> bool:
    """Clone a repository without its files, for backends that ask git for the version or for a list of files."""
    cloned = _git(top, "clone", "-q", "--shared", "--no-checkout", str(top), str(folder), protocols="file")
    if cloned is not None and _git(folder, "read-tree", "HEAD") is not None:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _copy_ignore_files(top: Path, folder: Path, clone: Path) -> None:
    """Copy the `.gitignore` files of the folders around a project: some backends go by them."""
    for above in folder.parents:
        if not above.is_relative_to(top):
            return
        if (above / ".gitignore").is_file():
            shutil.copyfile(above / ".gitignore", clone / above.relative_to(top) / ".gitignore")


def _excuse_absent_files(clone: Path) -> None:
    """Have git take what was not copied as unchanged, so that the version is not that of changed sources."""
    absent = _git(clone, "ls-files", "-z", "--deleted")
    if absent:
        _git(clone, "update-index", "-z", "--skip-worktree", "--stdin", stdin=absent)


def _unreadable(folder: Path, error: OSError) -> BuildFailed:
    what = error.filename or folder
    return BuildFailed(f"{folder} cannot be built: cannot read {what}: {reason_of(error)}")
