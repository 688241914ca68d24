"""Files of this machine that go into an image next to the environment (`--add`), as COPY of a Dockerfile adds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.errors import UnsupportedInput
from conda_docker.image.content.docker_ignore import added_paths
from conda_docker.image.runtime.users import container_user
from python_docker.errors import NotFound
from python_docker.image.host_files import check_there, layer_of_paths, link_target
from python_docker.tar import clamped_path

if TYPE_CHECKING:
    import tarfile

    from conda_docker.build_options import BuildOptions
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.image.runtime.users import ContainerUser
    from conda_docker.image.tree import ImageTree
    from python_docker.image import Image
    from python_docker.image.layer import Layer

ADDED = "added files"
"""What the layer is called in an image's history, and in reports."""


def add_files(
    image: Image, options: BuildOptions, system: BaseSystem, user: ContainerUser | None, tree: ImageTree
) -> Layer:
    """Add the files that the options name to an image with the paths of `tree`, as one layer, and return that.

    A file whose place is a folder there goes into it, as with COPY, and a link that is named itself is followed.
    Folders that are there, and links to folders, stay as they are.
    Of a folder with a `.dockerignore`, what that leaves out is left out. `user` is one that the environment adds to the
    base's `system`, whose name `chown` may use. Raises `NotFound` for what is not there, `InvalidPath` for what no
    layer can hold or for a folder and a file at one place, and `UnsupportedInput` for an owner that the image does not
    have.
    """
    uid, gid = (0, 0) if options.chown is None else owner_of(options.chown, system, user)

    def owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid, info.gid = uid, gid
        if options.chmod is not None and not info.issym():
            # As chmod's X does: a folder that may be read may be searched.
            searchable = (options.chmod & 0o444) >> 2 if info.isdir() else 0
            info.mode = options.chmod | searchable
        return info

    paths = [pair for source, target in options.add for pair in _pairs(source, target, tree)]
    layer = layer_of_paths(paths, lambda path, is_folder: path, filter=owned, recursive=False, folders=tree.stated)
    return image.add_layer(layer, created_by=ADDED)


def check_added(options: BuildOptions) -> None:
    """Raise the `NotFound` that `add_files` raises for what is not there."""
    for source, _ in options.add:
        _real(source)


def _real(source: Path) -> Path:
    """Return what is added for a path: a link that is named itself is followed, as by COPY."""
    check_there(source)
    if not source.exists():
        raise NotFound(f"{str(source)!r} is a link that leads nowhere: it cannot be added to the image")
    return source.resolve() if source.is_symlink() else source


def _pairs(source: Path, target: str, tree: ImageTree) -> Iterator[tuple[Path, str]]:
    """Yield a file, or a folder and what is in it, each with its place in the image, which `tree` has from then on."""
    real = _real(source)
    if real.is_dir():
        is_new = tree.folder_at(target) is None
        place = tree.add(target, source, is_folder=True)
        if is_new:
            yield real, place
        for path in added_paths(real):
            inner, named = real / path, f"{target}/{path}"
            link = link_target(inner) if inner.is_symlink() else None
            is_folder = link is None and inner.is_dir()
            place = tree.add(named, inner, is_folder=is_folder, link=link)
            if not is_folder or place == clamped_path(named):
                yield inner, place
        return
    if target.endswith("/"):
        target += source.name
    elif (folder := tree.folder_at(target)) is not None:
        target = f"/{folder}/{source.name}"
    yield real, tree.add(target, source, is_folder=False)


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
