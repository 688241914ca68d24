"""Files of this machine that go into an image next to the environment (`--add`), as COPY of a Dockerfile adds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.errors import UnsupportedInput
from conda_docker.image.content.docker_ignore import added_paths
from conda_docker.image.runtime.users import container_user
from python_docker.image.host_files import check_there

if TYPE_CHECKING:
    import tarfile

    from conda_docker.build_options import BuildOptions
    from conda_docker.image.base_system import BaseSystem
    from conda_docker.image.runtime.users import ContainerUser
    from python_docker.image import Image
    from python_docker.image.layer import Layer


def add_files(image: Image, options: BuildOptions, system: BaseSystem, user: ContainerUser | None) -> Layer:
    """Add the files that the options name to an image, as one layer, and return that.

    Of a folder with a `.dockerignore`, what that leaves out is left out. `user` is one that the environment adds to the
    base's `system`, whose name `chown` may use. Raises `NotFound` for what is not there, `InvalidPath` for what no
    layer can hold, and `UnsupportedInput` for an owner that the image does not have.
    """
    uid, gid = (0, 0) if options.chown is None else owner_of(options.chown, system, user)

    def owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid, info.gid = uid, gid
        if options.chmod is not None and not info.issym():
            # As chmod's X does: a folder that may be read may be searched.
            searchable = (options.chmod & 0o444) >> 2 if info.isdir() else 0
            info.mode = options.chmod | searchable
        return info

    paths = [pair for source, target in options.add for pair in _pairs(source, target)]
    return image.add_layer_paths(paths, filter=owned)


def check_added(options: BuildOptions) -> None:
    """Raise the `NotFound` that `add_files` raises for what is not there."""
    for source, _ in options.add:
        check_there(source)


def _pairs(source: Path, target: str) -> Iterator[tuple[Path, str]]:
    """Yield a file, or a folder and what is in it, each with its place in the image."""
    is_folder = source.is_dir() and not source.is_symlink()
    # As COPY has it: a file goes into a place that ends in a slash.
    yield source, target if is_folder or not target.endswith("/") else f"{target}{source.name}"
    if is_folder:
        yield from ((source / path, f"{target}/{path}") for path in added_paths(source))


def owner_of(text: str, system: BaseSystem, user: ContainerUser | None) -> tuple[int, int]:
    """Return the numbers of `USER[:GROUP]`, each a name in the image or a number."""
    name, _, group = text.partition(":")
    if user is not None and user.added and name == user.name and not group:
        return user.uid, user.gid
    found = container_user(text, system)
    if found.added and not name.isdigit():
        raise UnsupportedInput(
            f"--chown {text}: the image has no user {name!r}; give its number, or add it with --user"
        )
    return found.uid, found.gid
