"""Where the environment of a name is, as conda, mamba and pixi look for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from conda_docker.user_files import is_folder
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file

_LARGEST = 16 << 20
"""Bytes of conda's list of environments."""


def find_prefix(name: str, configuration: CondaConfiguration, environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the environment called `name`.

    Looked for are, in order: conda's and mamba's `envs_dirs`, the environments that `~/.conda/environments.txt` lists,
    those of the pixi project around the working folder, and pixi's global ones. `base` and `root` are conda's own
    environment. Raises `EnvironmentNotFound`, with the names that there are, and `InvalidEnvironment` for what is not a
    name or stands for several.
    """
    environ = os.environ if environ is None else environ
    if not name or any(character in name for character in "/\\\0") or name in (".", ".."):
        raise InvalidEnvironment(f"not the name of an environment: {name[:80]!r}; --prefix takes a path")
    if name in ("base", "root"):
        for root in configuration.root_prefixes:
            if _is_environment(root):
                return root
        raise EnvironmentNotFound(f"no conda was found here, so there is no environment {name!r}; give --prefix PATH")
    for folder in environment_folders(configuration, environ):
        if _is_environment(folder / name):
            return folder / name
    listed = [path for path in _listed(environ) if path.name == name and _is_environment(path)]
    if len(listed) > 1:
        raise InvalidEnvironment(
            f"several environments are called {name!r}: {', '.join(map(str, listed))}; choose one with --prefix"
        )
    if listed:
        return listed[0]
    folders = environment_folders(configuration, environ)
    known = sorted({found for folder in folders for found in _names(folder)})
    searched = f" in {', '.join(map(str, folders))}; give --prefix PATH"
    others = f"; there are {', '.join(known[:20])}" if known else searched
    raise EnvironmentNotFound(f"there is no environment called {name!r}{others}")


def environment_folders(configuration: CondaConfiguration, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the folders that hold environments by their names, in the order in which they count."""
    home = home_folder(environ)
    folders = [*configuration.envs_dirs, *(root / "envs" for root in configuration.root_prefixes)]
    folders.append(home / ".conda" / "envs")
    if environ.get("CONDA_EXE"):
        folders.append(Path(environ["CONDA_EXE"]).parent.parent / "envs")
    if environ.get("MAMBA_ROOT_PREFIX"):
        folders.append(Path(environ["MAMBA_ROOT_PREFIX"]) / "envs")
    working = Path.cwd()
    folders += [folder / ".pixi" / "envs" for folder in (working, *working.parents)]
    folders.append(Path(environ.get("PIXI_HOME") or home / ".pixi") / "envs")
    return tuple(dict.fromkeys(folders))


def _is_environment(folder: Path) -> bool:
    return is_folder(folder / "conda-meta")


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from (path.name for path in folder.iterdir() if _is_environment(path))
    except OSError:
        return


def _listed(environ: Mapping[str, str]) -> list[Path]:
    file = home_folder(environ) / ".conda" / "environments.txt"
    try:
        lines = read_regular_file(file, _LARGEST).decode().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [Path(line.strip()) for line in dict.fromkeys(lines) if line.strip()]
