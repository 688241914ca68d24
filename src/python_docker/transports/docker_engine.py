"""`docker-daemon:REF`: the images of a Docker or Podman on this machine, read and written as docker archives."""

from __future__ import annotations

import os
import tempfile
from typing import ClassVar

from python_docker.compression import Compression
from python_docker.docker.engine import Engine, find_engine
from python_docker.docker.names import engine_name
from python_docker.errors import Error, InvalidReference
from python_docker.media_types import ImageFormat
from python_docker.reference import ImageReference
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.docker_archive import ArchiveDestination, ArchiveSource
from python_docker.transports.file_section import OwnFile
from python_docker.transports.location import Location


class EngineSource(ArchiveSource):
    """An image of an engine, saved to a temporary file that goes with the last object that reads from it."""

    @classmethod
    def open(cls, location: Location) -> EngineSource:
        """Let the engine save an image.

        Raises `InvalidReference` when the location names none, `NotFound` when the engine has none of the name,
        `EngineNotFound` when there is no engine.
        """
        if not location.name:
            raise InvalidReference("which image of Docker? Write docker-daemon:NAME[:TAG], or an image ID for the name")
        name = engine_name(location.name)
        engine = find_engine()
        try:
            with tempfile.TemporaryFile(prefix="image-", buffering=0) as file:
                engine.save(name, file.write)
                archive = ArchiveFile.open_file(OwnFile(os.dup(file.fileno())), f"what {engine.name} saved of {name}")
        except OSError as error:
            raise Error(
                f"cannot save {name} to a temporary file in {tempfile.gettempdir()}: {error.strerror or error}; "
                "the environment variable TMPDIR can name another folder"
            ) from error
        return cls(archive, location.name)


class EngineDestination:
    """Loads an image into an engine; `loaded` is what the engine calls it after `commit`."""

    # Docker before version 23 reads no zstd.
    formats: ClassVar[frozenset[ImageFormat]] = ArchiveDestination.formats
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.NONE, Compression.GZIP})
    compress_plain: ClassVar[bool] = False
    parallel: ClassVar[int] = 1
    takes_index: ClassVar[bool] = False

    def __init__(self, engine: Engine, reference: ImageReference | None) -> None:
        self.loaded = ""
        self._loading = engine.loading()
        self._archive = ArchiveDestination(self._loading, reference)

    @classmethod
    def open(cls, location: Location, reference: ImageReference | None) -> EngineDestination:
        """Begin to load an image under the name of the location, else as `reference`, else without a name.

        Raises `InvalidReference` for a name that cannot be given, `EngineNotFound` when there is no engine.
        """
        if location.name:
            reference = ImageReference.parse(location.name)
            if reference.digest is not None:
                raise InvalidReference(f"Docker cannot be told to call an image {location.name!r}: give a tag instead")
        return cls(find_engine(), reference)
