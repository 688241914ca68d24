"""`docker-daemon:REF`: the images of a Docker or Podman on this machine, read and written as docker archives."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from python_docker.docker.engine import Engine, find_engine
from python_docker.docker.names import engine_name
from python_docker.errors import EngineError, Error, InvalidReference, reason_of
from python_docker.files.atomic import write_all
from python_docker.spec.reference import ImageReference
from python_docker.streams.section import OwnFile
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.docker.archive import ArchiveDestination, ArchiveSource, archived_images
from python_docker.transports.location import Location
from python_docker.transports.medium import Source
from python_docker.transports.oci.source import OciSource, TarFiles

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions


class EngineSource(ArchiveSource):
    """An image of an engine, saved to a temporary file that goes with the last object that reads from it."""

    @classmethod
    def open(cls, location: Location, registry: RegistryOptions | None = None) -> Source:
        """Have the engine save an image.

        Raises `InvalidReference` when the location names none, `NotFound` when the engine has none of the name,
        `EngineNotFound` when there is no engine.
        """
        if not location.name:
            raise InvalidReference("which image of Docker? Write docker-daemon:NAME[:TAG], or an image ID for the name")
        name = engine_name(location.name)
        engine = find_engine()
        try:
            with tempfile.TemporaryFile(prefix="image-", buffering=0) as file:
                stream = cast("BinaryIO", file)
                engine.save(name, lambda data: write_all(stream, data))
                archive = ArchiveFile.open_file(OwnFile(os.dup(file.fileno())), f"what {engine.name} saved of {name}")
        except OSError as error:
            raise Error(
                f"cannot save {name} to a temporary file in {tempfile.gettempdir()}: {reason_of(error)}; "
                "the environment variable TMPDIR can name another folder"
            ) from error
        images = archived_images(archive)
        if images is None or len(images) > 1:
            # Docker with containerd's store saves all platforms that it has of an image, and their index.
            return OciSource(TarFiles(archive), None)
        return cls(archive, None, images)


class EngineDestination(ArchiveDestination):
    """Loads an image into an engine as it comes; `loaded` is what the engine calls it after `commit`."""

    def __init__(self, engine: Engine, reference: ImageReference | None) -> None:
        self.loaded = ""
        self._engine = engine
        self._loading = engine.loading()
        super().__init__(self._loading, reference)

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None, registry: RegistryOptions | None = None
    ) -> EngineDestination:
        """Begin to load an image under the name of the location, else as `reference`, else without a name.

        Raises `InvalidReference` for a name that cannot be given, `EngineNotFound` when there is no engine.
        """
        if location.name:
            reference = ImageReference.parse(location.name)
            if reference.tag is None:
                raise InvalidReference(f"Docker cannot give an image the name {location.name}: write a tag instead")
        return cls(find_engine(), reference)

    def commit(self) -> None:
        """Note that the engine has the image. Raises `EngineError` when it has not."""
        super().commit()
        if not self._loading.loaded:
            raise EngineError(f"{self._engine.name} took the image, but did not say that it loaded it")
        self.loaded = self._loading.loaded[0]
