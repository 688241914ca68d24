"""Where conda and mamba are installed, and where they look for their configuration (conda/base/constants.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conda_docker.user_files import is_folder
from python_docker.files.home import expand_home, home_folder

_FILE_NAMES = (".condarc", "condarc", "condarc.d", ".mambarc")
_SYSTEM_FOLDERS = (Path("/etc/conda"), Path("/var/lib/conda"), Path("C:/ProgramData/conda"))
_SYSTEM_ROOTS = (Path("/opt/conda"),)


def root_prefixes(environ: Mapping[str, str], conda_exe: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Return the folders that conda and mamba are installed in, the likeliest first; `conda_exe` is in the first."""
    return tuple(_root_prefixes(environ, conda_exe))


def configuration_files(environ: Mapping[str, str], roots: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that are there of those that conda and mamba read, the lowest precedence first.

    `roots` is where these are installed. Of several ways to one path, the one of the highest precedence counts.
    """
    files = [path for place in _search_path(environ, roots) for path in _files(place)]
    return tuple(file for position, file in enumerate(files) if file not in files[position + 1 :])


def _root_prefixes(environ: Mapping[str, str], conda_exe: str | os.PathLike[str] | None) -> Iterator[Path]:
    from shutil import which

    seen = set()
    candidates: list[Path | None] = []
    for executable in (conda_exe, environ.get("CONDA_EXE"), which("conda", path=environ.get("PATH"))):
        if executable and (found := which(executable, path=environ.get("PATH"))):
            # ROOT/bin/conda, ROOT/condabin/conda or ROOT\Scripts\conda.exe, perhaps by a link from elsewhere
            candidates.append(Path(found).resolve().parent.parent)
    candidates += [
        Path(environ[name]) for name in ("CONDA_ROOT", "_CONDA_ROOT", "MAMBA_ROOT_PREFIX") if name in environ
    ]
    home = home_folder(environ)
    names = ("miniforge3", "miniconda3", "mambaforge", "anaconda3", "micromamba", ".local/share/mamba")
    candidates += [home / name for name in names]
    candidates += _SYSTEM_ROOTS
    for root in candidates:
        if root is not None and root not in seen and (is_folder(root / "conda-meta") or is_folder(root / "envs")):
            seen.add(root)
            yield root


def _search_path(environ: Mapping[str, str], roots: Sequence[Path]) -> Iterator[Path]:
    """Files, and folders that hold files, the lowest precedence first."""
    home = home_folder(environ)
    folders = [*_SYSTEM_FOLDERS, *roots[:1]]
    folders += [Path(environ["MAMBA_ROOT_PREFIX"])] if environ.get("MAMBA_ROOT_PREFIX") else []
    folders += [Path(environ["XDG_CONFIG_HOME"]) / "conda"] if environ.get("XDG_CONFIG_HOME") else []
    folders += [home / ".config/conda", home / ".conda"]
    for folder in folders:
        yield from (folder / name for name in _FILE_NAMES)
    yield from (home / ".condarc", home / ".mambarc")
    if environ.get("CONDA_PREFIX"):
        yield from (Path(environ["CONDA_PREFIX"]) / name for name in _FILE_NAMES)
    yield from (expand_home(environ[name], environ) for name in ("CONDARC", "MAMBARC") if environ.get(name))


def _files(place: Path) -> Iterator[Path]:
    try:
        if place.is_dir():
            yield from sorted(file for file in place.iterdir() if file.suffix in (".yml", ".yaml"))
        elif place.is_file():
            yield place
    except OSError:
        return
