"""Functions of python-docker 0.2's `tar` module, for programs that were written for it."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from typing import TypeVar

from python_docker.image import Image
from python_docker.image.host_files import Filter
from python_docker.transports.docker.archive import read_archive

_Path = TypeVar("_Path", bound=str | os.PathLike[str])


def write_v1(image: Image, filename: str | os.PathLike[str]) -> None:
    """Write an image in the layout that Docker had before 1.10."""
    image.write_filename(filename, version="v1")


def parse_v1(tar: tarfile.TarFile) -> list[Image]:
    """Return the images in a docker archive that is open as a tar of the standard library's, which must stay open."""
    assert tar.fileobj is not None
    tar.fileobj.seek(0)
    return read_archive(tar.fileobj)  # type: ignore[arg-type]


def write_tar_from_contents(contents: Mapping[str, bytes], filter: Filter | None = None) -> bytes:
    """Return the tar of a layer of files in memory."""
    return Image().add_layer_contents(contents, filter=filter).content


def write_tar_from_paths(paths: Mapping[_Path, str], filter: Filter | None = None, recursive: bool = False) -> bytes:
    """Return the tar of a layer of files and folders of this machine."""
    return Image().add_layer_paths(paths, filter=filter, recursive=recursive).content


def write_tar_from_path(
    path: str | os.PathLike[str], arcpath: str | None = None, recursive: bool = True, filter: Filter | None = None
) -> bytes:
    """Return the tar of a layer of one file or folder of this machine."""
    return Image().add_layer_path(path, arcpath, recursive=recursive, filter=filter).content
