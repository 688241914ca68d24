"""Where an image meets the world: archives that it is read from and written to, engines that run it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from python_docker.argument_types import check_method, check_path

if TYPE_CHECKING:
    from python_docker.image import Image


class ImageFiles:
    """The methods of an image that read, write and run it."""

    @classmethod
    def from_filename(cls, filename: str | os.PathLike[str]) -> list[Image]:
        """Return the images of an archive, one for each in it.

        Their layers are read from the file when they are used.
        """
        from python_docker.transports.docker.archive import read_archive

        check_path("filename", filename)
        return read_archive(filename)

    @classmethod
    def from_file(cls, filename: str | os.PathLike[str] | BinaryIO) -> list[Image]:
        """Return the same of a path, or of an open, seekable file, which must stay open while the images are used."""
        from python_docker.transports.docker.archive import read_archive

        if isinstance(filename, str | os.PathLike):
            check_path("filename", filename)
        else:
            check_method("filename", filename, "read", "or a path")
        return read_archive(filename)

    def write_filename(self, filename: str | os.PathLike[str], version: str = "v1.2") -> None:
        """Write an archive that `docker load` reads; `version` is `v1.2`, or `v1` for the layout before Docker 1.10.

        The file appears whole or not at all.
        """
        from python_docker.transports.docker.archive import write_archive

        check_path("filename", filename)
        write_archive([cast("Image", self)], filename, version=version)

    def write_file(self, filename: str | os.PathLike[str] | BinaryIO, version: str = "v1.2") -> None:
        """Write the same to a path, or to an open file, which need not be seekable."""
        from python_docker.transports.docker.archive import write_archive

        if isinstance(filename, str | os.PathLike):
            check_path("filename", filename)
        else:
            check_method("filename", filename, "write", "or a path")
        write_archive([cast("Image", self)], filename, version=version)

    def load(self) -> None:
        """Load the image into Docker or Podman. Raises `EngineNotFound` when there is none."""
        from python_docker.docker import load_image

        load_image(cast("Image", self))

    def run(self, cmd: Sequence[str] | str | None = None) -> bytes:
        """Load the image, run `cmd` (or the image's own) in a container, print what that prints, and give it as bytes.

        A string, or a list of one string with white space in it (`["cat /etc/os-release"]`), is run by `/bin/sh -c` in
        place of the image's entrypoint; any other list is arguments, as the docker command takes them. The container
        is removed afterwards. Raises `ContainerFailed` when its exit code is not 0, `EngineNotFound` when there is no
        Docker or Podman.
        """
        from python_docker.docker import run_image

        return run_image(cast("Image", self), cmd)
