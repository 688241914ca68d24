"""Images: what a name means now, made if need be; the part of the server that waits for builds."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import mark_used
from conda_docker.errors import ChannelError, DownloadError, TookTooLong
from conda_docker.serve.errors import answer_to
from conda_docker.serve.making.disk import make_room
from conda_docker.serve.making.environments import find_environment
from python_docker.errors import Error, OutOfTime, RegistryError

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.serve.access import Client, Rate
    from conda_docker.serve.configuration import ServerConfiguration
    from conda_docker.serve.making.builds import Builds
    from conda_docker.serve.making.catalogue import Catalogue
    from conda_docker.serve.making.maker import Maker
    from conda_docker.serve.making.served_image import ServedImage
    from conda_docker.serve.metrics import Metrics
    from conda_docker.serve.names import Asked
    from python_docker.spec.digest import Digest

_MOMENT = 5.0  # seconds in which whoever was given the path of a layer has opened it
_FAILURES = 100  # images whose last error is known
_log = logging.getLogger("conda_docker")


class Images:
    """The images of a server, by names and by digests."""

    def __init__(
        self,
        configuration: ServerConfiguration,
        cache: CacheFolder,
        catalogue: Catalogue,
        maker: Maker,
        builds: Builds,
        metrics: Metrics,
        rate: Rate,
    ) -> None:
        self._configuration = configuration
        self._cache = cache
        self._catalogue = catalogue
        self._maker = maker
        self._builds = builds
        self._metrics = metrics
        self._rate = rate
        self._checked: set[tuple[Digest, int]] = set()
        self._begun: list[float] = []
        self._failures: OrderedDict[Asked, str] = OrderedDict()
        self._lock = threading.Lock()

    async def named(self, client: Client, asked: Asked) -> ServedImage:
        """Return what a name and a tag mean: what is known while that is fresh, else what is made now.

        Where channels or registries fail, what the tag meant before is served again. Raises `ServerError`s, and what
        making it raises.
        """
        known = await asyncio.to_thread(self._catalogue.tagged, asked)
        if known is not None and await asyncio.to_thread(self._is_fresh, asked, known):
            self._metrics.images.labels("known").inc()
            self._catalogue.asked_for(asked, known)
            return known
        key = asked.name, asked.tag, asked.channels
        joined = self._builds.is_under_way(key)
        if not joined:
            self._rate.take(client.name)
        started = time.monotonic()
        try:
            image = await self._builds.run(
                key, client.name, partial(self._make, asked), self._configuration.limits.wait_seconds
            )
        except (ChannelError, DownloadError, OutOfTime, RegistryError, TookTooLong) as error:
            if known is None:
                self._metrics.images.labels("failed").inc()
                raise
            _log.warning("%s:%s is served as it was before: %s", asked.name, asked.tag, error)
            self._metrics.images.labels("stale").inc()
            return known
        except Error:
            self._metrics.images.labels("failed").inc()
            raise
        if not joined:
            self._metrics.seconds.observe(time.monotonic() - started)
        self._metrics.images.labels("joined" if joined else "made").inc()
        self._catalogue.asked_for(asked, image)
        return image

    async def holding(self, asked: Asked, digest: Digest) -> ServedImage | None:
        """Return the image of a name that has a manifest or a blob; None where there is none."""
        return await asyncio.to_thread(self._catalogue.holding, asked, digest)

    async def path_of(self, client: Client, image: ServedImage, digest: Digest) -> Path:
        """Return the file of a layer, made again if it is not here, whose content is right.

        Equal requests at one moment make it once.
        """
        path = self._cache.blobs.path_of(digest)
        if await asyncio.to_thread(self._is_right, path, digest, image.sizes[digest]):
            self._metrics.blobs.labels("kept").inc()
            return path
        self._metrics.blobs.labels("made").inc()
        made: Path = await self._builds.run(
            digest, client.name, partial(self._make_layer, image, digest), self._configuration.limits.wait_seconds
        )
        return made

    def add_lock(self, text: str, client: Client) -> str:
        """Keep a lock file that was accepted, and return its SHA-256."""
        with self._making_room():
            return self._catalogue.add_lock(text, client.channels)

    def failure(self, asked: Asked) -> str | None:
        """Return what was said of the last try to make an image; None where it did not fail."""
        with self._lock:
            return self._failures.get(asked)

    async def origin_of(self, client: Client, image: ServedImage, digest: Digest) -> str | None:
        """Return the repository of a registry that a layer is in; None where none is known."""
        if not self._maker.remembers(image):
            await self._builds.run(
                ("layers", image.root),
                client.name,
                partial(self._maker.origin_of, image, digest),
                self._configuration.limits.wait_seconds,
            )
        return await asyncio.to_thread(self._maker.origin_of, image, digest)

    def is_here(self, image: ServedImage, digest: Digest) -> bool:
        """Return whether a layer is on this machine."""
        try:
            return self._cache.blobs.path_of(digest).stat().st_size == image.sizes[digest]
        except (OSError, KeyError):
            return False

    def _make(self, asked: Asked) -> ServedImage:
        failure = None
        try:
            with self._making_room():
                return self._maker.make(asked)
        except Error as error:
            failure = str(answer_to(error))
            raise
        finally:
            with self._lock:
                self._failures.pop(asked, None)
                if failure is not None:
                    self._failures[asked] = failure
                while len(self._failures) > _FAILURES:
                    self._failures.popitem(last=False)

    def _make_layer(self, image: ServedImage, digest: Digest) -> Path:
        with self._making_room():
            return self._maker.path_of(image, digest)

    @contextmanager
    def _making_room(self) -> Iterator[None]:
        """Remove what is too much on the disk after the block, and nothing that other blocks may be using."""
        begun = time.time()
        self._begun.append(begun)
        try:
            yield
        finally:
            self._begun.remove(begun)
            limit = self._configuration.limits.disk_bytes
            if limit is not None:
                make_room(self._cache, limit, min([*self._begun, time.time() - _MOMENT]))

    def _is_fresh(self, asked: Asked, image: ServedImage) -> bool:
        """Return whether a tag still means an image: a day does for ever, and a lock file too."""
        if asked.environment is not None:
            path = find_environment(self._configuration.environments, asked.environment)
            if hashlib.sha256(path.read_bytes()).hexdigest() != image.source:
                return False
        if asked.day is not None or asked.lock is not None:
            return True
        return time.time() - image.made < self._configuration.limits.latest_seconds

    def _is_right(self, path: Path, digest: Digest, size: int) -> bool:
        """Return whether a file holds a layer. It is hashed once in the life of this server, or removed."""
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_size != size:
            return False
        seen = digest, status.st_mtime_ns
        if seen not in self._checked:
            with path.open("rb") as file:
                if hashlib.file_digest(file, digest.algorithm).hexdigest() != digest.encoded:
                    _log.warning("%s is damaged and is made again", path)
                    path.unlink(missing_ok=True)
                    return False
        mark_used(path)
        self._checked.add((digest, path.stat().st_mtime_ns))
        self._checked.discard(seen)
        return True
