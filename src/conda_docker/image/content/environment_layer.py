"""The last layer of an environment: what makes a folder with packages an environment, and what activates it.

All that differs between environments with the same packages is here, so that their other layers are the same.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from conda_docker.image.base.system import BaseSystem
from conda_docker.image.runtime.activation import ENTRYPOINT_NAME, Activation, state_file
from conda_docker.image.runtime.shell_scripts import login_script
from conda_docker.image.runtime.users import ContainerUser, user_files
from python_docker.image.blob_store import memory_writer
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.timestamps import rfc3339
from python_docker.tar import EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.layers.recipe import Recipe

_FROZEN = "This environment is part of an image: build the image anew instead of changing what is in it."
_LOGIN_SCRIPT = "/etc/profile.d/conda-docker{}.sh"


def environment_layer(
    environment: LockedEnvironment,
    recipe: Recipe,
    activation: Activation,
    user: ContainerUser | None,
    system: BaseSystem | None,
    created: int,
    *,
    frozen: bool = False,
) -> Layer:
    """Return the layer with `conda-meta/history`, `conda-meta/state`, the entrypoint and scripts that it sources.

    An image from scratch (`system` None) gets the least that programs rely on, `/tmp` and root in `/etc/passwd`, and so
    does one whose base lacks it. A `user` that the base does not have is added to it, with a home of its own, and one
    that moves gets a new home. Folders of the base that are links stay links, and those with an owner or mode of their
    own keep them. `created` is the time of the files, in seconds since 1970. `frozen` adds the marks by which conda and
    pip know that they are to leave it as it is.
    """
    root, below = recipe.prefix_in_image.root, system or BaseSystem()
    files: dict[str, tuple[int, bytes]] = {f"{root}/conda-meta/history": (0o644, history_file(environment, created))}
    if environment.variables:
        files[f"{root}/conda-meta/state"] = (0o644, state_file(environment.variables))
    files |= {f"{root}/{path}": (0o644, content) for path, content in environment.script_files.items()}
    if frozen:
        files |= {f"{root}/{path}": (0o644, content) for path, content in marks_of_frozen(recipe.site_packages).items()}
    if activation.entrypoint is not None:
        files[f"{root}/bin/{ENTRYPOINT_NAME}"] = (0o755, activation.entrypoint.encode())
    accounts = user_files(user, below)
    if system is not None and not (user is not None and user.has_new_home):
        accounts = {path: content for path, content in accounts.items() if path in below.lacks}
    files |= {below.real_file(path)[1:]: (0o644, content) for path, content in accounts.items()}
    if activation.variables and (system is None or system.shells):
        # Sourced in the order of their names, each puts its environment first.
        number = str(below.environments + 1) if below.environments else ""
        files[below.real_file(_LOGIN_SCRIPT.format(number))[1:]] = (0o644, _login_script(recipe.prefix, activation))
    entries = {
        path: (TarEntry(path, mode=mode, size=len(content), mtime=created), content)
        for path, (mode, content) in files.items()
    }
    if system is None or "/tmp" in below.lacks:  # noqa: S108 -- the image's
        path = below.real_path("/tmp")[1:]  # noqa: S108
        entries[path] = TarEntry(path, EntryType.DIRECTORY, 0o1777, 0, created), b""
    if user is not None and user.has_new_home:
        path = below.real_path(user.home)[1:]
        # OpenShift runs containers as a number of its own, in the group 0.
        mode = 0o775 if user.gid == 0 else 0o755
        entries[path] = TarEntry(path, EntryType.DIRECTORY, mode, 0, created, uid=user.uid, gid=user.gid), b""
    entries = {path: (entry, b"") for path, entry in below.folders_above(entries).items()} | entries
    with build_layer(memory_writer(), recipe.compression, recipe.level) as builder:
        for _, (entry, content) in sorted(entries.items()):
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


def marks_of_frozen(site_packages: str | None) -> dict[str, bytes]:
    """Return the files that mark an environment as frozen, by paths in it: for conda (CEP 22) and for pip (PEP 668).

    Pip looks in the folder of the standard library, which holds `site_packages`; None: there is no Python.
    """
    marks = {"conda-meta/frozen": json.dumps({"message": _FROZEN}).encode() + b"\n"}
    if site_packages is not None:
        lines = f"[externally-managed]\nError={_FROZEN}\n"
        marks[f"{posixpath.dirname(site_packages)}/EXTERNALLY-MANAGED"] = lines.encode()
    return marks


def _login_script(prefix: str, activation: Activation) -> bytes:
    variables = {**activation.variables, **activation.scripted}
    own, all_folders = f"{prefix}/bin", variables.pop("PATH", "")
    # What comes after the environment's own folder is the base's, which a login shell has set anew; scripts add folders
    # in front of all that and behind it.
    rest = activation.variables.get("PATH", "").removeprefix(own)
    front, found, back = f"{all_folders}:".partition(f"{rest}:")
    if not (rest and found and all_folders):
        front, back = own, ""
    return login_script(prefix, variables, front, back.rstrip(":"), activation.base_prefix).encode()


def history_file(environment: LockedEnvironment, created: int) -> bytes:
    """Return the content of `conda-meta/history`, from which conda knows what was asked for (conda/history.py)."""
    when = rfc3339(created).replace("T", " ").rstrip("Z")
    lines = [f"==> {when} <==", "# cmd: conda-docker build"]
    lines += sorted(f"+{_distribution(package)}" for package in environment.packages)
    if environment.requested:
        lines.append(f"# update specs: {list(environment.requested)!r}")
    return ("\n".join(lines) + "\n").encode()


def _distribution(package: LockedPackage) -> str:
    channel = (package.channel or package.public_url.rsplit("/", 2)[0]).rstrip("/")
    return f"{channel}/{package.subdir}::{package.name}-{package.version}-{package.build}"
