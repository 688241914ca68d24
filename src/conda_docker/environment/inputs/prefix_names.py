"""Where the environment of a name is, as conda, mamba and pixi look for it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment
from conda_docker.project_folders import is_ours, project_folders
from conda_docker.user_files import is_folder
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file

_LARGEST = 16 << 20
"""Bytes of conda's list of environments."""


def find_prefix(name: str, configuration: CondaConfiguration, environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the environment called `name`.

    Looked for are, in order: conda's and mamba's `envs_dirs`, the environments that `~/.conda/environments.txt` lists,
    those of the pixi project around the working folder, and pixi's global ones. `base` and `root` are conda's own
    environment. A project's are looked for up to the root of a repository or the home folder, and passed over where
    they belong to another user, who may have put them above a shared folder. Raises `EnvironmentNotFound`, with the
    names that there are, and `InvalidEnvironment` for what is not a name or stands for several.
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
    for folder in _project_environments():
        if folder not in folders and _is_environment(folder / name):
            raise EnvironmentNotFound(
                f"{folder / name} belongs to another user, so it is not used by its name; give "
                f"--prefix {shlex.quote(str(folder / name))} where you trust it"
            )
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
    folders += filter(_belongs_to_user, _project_environments())
    folders.append(Path(environ.get("PIXI_HOME") or home / ".pixi") / "envs")
    return tuple(dict.fromkeys(folders))


def _project_environments() -> Iterator[Path]:
    for folder in project_folders(Path.cwd()):
        yield folder / ".pixi" / "envs"


def _belongs_to_user(folder: Path) -> bool:
    """Return whether nobody else can have put environments into a project's folder of them."""
    try:
        return is_ours(folder.parent) and is_ours(folder)
    except OSError:
        return False


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
