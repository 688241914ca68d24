"""Maker: from what a name asks for to an image, and from its facts to its layers again; all of it blocks."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.build_options import BuildOptions, LayerRepository
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.errors import Unsolvable
from conda_docker.layers.recipe import LAYER_FORMAT
from conda_docker.policy.rules import Policy
from conda_docker.request import Request
from conda_docker.resolution.describe import describe
from conda_docker.serve.configuration import ServerConfiguration
from conda_docker.serve.errors import BlobUnknown, Denied, NameUnknown, NoSuchName
from conda_docker.serve.making.environments import find_environment
from conda_docker.serve.making.served_image import ServedImage, StoredDocument
from python_docker.errors import RegistryError
from python_docker.files.atomic import write_whole_file
from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.image.assemble import BuildResult
    from conda_docker.layers.member import Member
    from conda_docker.resolution.resolve import Resolved
    from conda_docker.serve.making.catalogue import Catalogue
    from conda_docker.serve.names import Asked, Package
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.documents import Manifest
    from python_docker.spec.platform import Platform

_REMEMBERED = 32
"""Images whose layers are remembered with what makes them, so that the next blob need not ask again."""
_log = logging.getLogger("conda_docker")

Blobs = Mapping[Digest, "Blob"]


def settings_of(configuration: ServerConfiguration) -> str:
    """Return a digest of what images are made by: those made by other settings are other images."""
    value = {
        "format": LAYER_FORMAT,
        "base": configuration.base,
        "platforms": [str(platform) for platform in configuration.platforms],
        "virtual_packages": configuration.virtual_packages,
        "build": dict(configuration.build),
        "environments": configuration.environments,
    }
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


class Maker:
    """Makes images by one configuration, in one cache. Safe for any number of threads."""

    def __init__(self, configuration: ServerConfiguration, cache: CacheFolder, catalogue: Catalogue) -> None:
        self._configuration = configuration
        self._cache = cache
        self._catalogue = catalogue
        self._blobs: OrderedDict[Digest, Blobs] = OrderedDict()
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="conda-docker-serve-")

    def close(self) -> None:
        """Remove temporary files."""
        self._folder.cleanup()

    def make(self, asked: Asked) -> ServedImage:
        """Return the image that a name asks for, as it is now, and remember it.

        Layers that were made before are not made again, though their bytes may be gone. An image has those platforms
        for which its packages can be had; that there is none is an error. Raises `ServerError`s and what resolving and
        building raise.
        """
        request = self.request(asked)
        source = None
        if asked.environment is not None:
            source = hashlib.sha256(b"".join(path.read_bytes() for path in request.files)).hexdigest()
        resolved, missing = self._resolve(request)
        for each in resolved:
            self.check_limits(each)
        results = [self._build(each, request.options) for each in resolved]
        image = self._served(asked, resolved, results, source, missing)
        self._catalogue.add(asked, image)
        return image

    def path_of(self, image: ServedImage, digest: Digest) -> Path:
        """Return the file of a layer of an image, which is made again if it is not in the cache.

        Raises `BlobUnknown` for what is none of its layers, and what building raises.
        """
        if digest not in image.sizes:
            raise BlobUnknown(f"{image.name} has no blob {digest}")
        blob = self._blobs_of(image).get(digest)
        if blob is None:
            raise BlobUnknown(f"{digest} cannot be made again: the server makes {image.name} in another way now")
        if blob.file is not None and blob.file.path.is_relative_to(self._cache.root):
            blob.file.open().close()  # which makes it again where it is gone, or damaged
            return blob.file.path
        with self._cache.writing():
            self._cache.blobs.add(blob)
        return self._cache.blobs.path_of(digest)

    def origin_of(self, image: ServedImage, digest: Digest) -> str | None:
        """Return the repository of a registry that a layer is in, as far as it is known."""
        blob = self._blobs_of(image).get(digest)
        return None if blob is None else blob.origin

    def request(self, asked: Asked) -> Request:
        """Return the request that a name stands for; raises `NameUnknown` and `Denied`."""
        configuration = self._configuration
        request = Request(
            specs=[self._spec(package, asked) for package in asked.packages],
            files=() if asked.packages else (self._file_of(asked),),
            platforms=configuration.platforms,
            base=configuration.base,
            channels=asked.channels,
            override_channels=True,
            virtual_packages=configuration.virtual_packages,
            policy=Policy(exclude_newer=asked.until),
            options=self._options(),
        )
        if asked.environment is None:
            return request
        file = InputFile.read(request.files[0])
        described = describe(request, [file], subdir_of_platform(configuration.platforms[0]))
        own = isinstance(described, EnvironmentSpec) and len(described.channels) > len(asked.channels)
        return replace(request, channels=()) if own else request

    def _file_of(self, asked: Asked) -> Path:
        """Return the file of an environment of the server, or of a lock file that was posted. Raises `NameUnknown`."""
        if asked.environment is not None:
            return find_environment(self._configuration.environments, asked.environment)
        text = self._catalogue.lock(asked.lock or "", asked.channels)
        if text is None:
            raise NameUnknown(f"there is no lock file {asked.lock} here: post it to /v1/locks")
        return self._file(text)

    def check_limits(self, resolved: Resolved) -> None:
        """Raise `Denied` for an environment that is larger than the server allows."""
        limits, environment = self._configuration.limits, resolved.environment
        members: list[Member] = [*environment.packages, *environment.wheels]
        size = sum(member.size or 0 for member in members)
        if len(members) > limits.packages:
            raise Denied(f"the environment has {len(members)} packages, and this server allows {limits.packages}")
        if size > limits.package_bytes:
            raise Denied(
                f"the packages have {format_size(size)}, and this server allows {format_size(limits.package_bytes)}"
            )

    def _file(self, text: str) -> Path:
        """Return a file with the text of a lock file."""
        path = Path(self._folder.name, f"{hashlib.sha256(text.encode()).hexdigest()}.lock")
        if not path.exists():
            write_whole_file(path, text.encode())
        return path

    def _spec(self, package: Package, asked: Asked) -> str:
        """Return the match spec of a package, whose channel is one of those that may be used."""
        if package.channel is None:
            return package.spec
        for channel in asked.channels:
            if channel_alias(channel) == package.channel:
                return replace(package, channel=channel).spec
        known = ", ".join(map(channel_alias, asked.channels))
        raise NoSuchName(f"{package.channel!r} is not a channel of this server; there are: {known}")

    def _options(self) -> BuildOptions:
        configuration = self._configuration
        return BuildOptions(
            **configuration.build,
            cache_dir=self._cache.root,
            cache_from=[LayerRepository(name) for name in configuration.cache_from],
            cache_to=[LayerRepository(name) for name in configuration.cache_to],
        )

    def _resolve(self, request: Request) -> tuple[list[Resolved], dict[str, str]]:
        """Return the environment for each platform that it can be had for, and why it cannot for the others."""
        from conda_docker.resolution.resolve import resolve

        def attempt(platform: Platform) -> Resolved | Unsolvable:
            try:
                return resolve(replace(request, platforms=(platform,)))[0]
            except Unsolvable as error:
                return error

        with ThreadPoolExecutor(len(request.platforms), thread_name_prefix="solve") as pool:
            answers = dict(zip(request.platforms, pool.map(attempt, request.platforms), strict=True))
        resolved = [answer for answer in answers.values() if not isinstance(answer, Unsolvable)]
        refused = {str(platform): answer for platform, answer in answers.items() if isinstance(answer, Unsolvable)}
        if not resolved:
            raise next(iter(refused.values()))
        return resolved, {platform: str(error) for platform, error in refused.items()}

    def _build(self, resolved: Resolved, options: BuildOptions) -> BuildResult:
        from conda_docker.image.assemble import build_image
        from conda_docker.layers.stores.layer_stores import LayerStores

        def build(options: BuildOptions) -> BuildResult:
            stores = LayerStores.of(options, facts_alone=True)
            return build_image(resolved.environment, resolved.base, options, stores=stores)

        try:
            return build(options)
        except RegistryError as error:
            if not options.cache_to:
                raise
            _log.warning("layers are not kept in a layer repository: %s", error)
            return build(replace(options, cache_to=()))

    def _served(
        self,
        asked: Asked,
        resolved: Sequence[Resolved],
        results: Sequence[BuildResult],
        source: str | None,
        missing: Mapping[str, str],
    ) -> ServedImage:
        from conda_docker.image.index import image_index
        from conda_docker.lock_files.own import own_lock

        manifests: list[tuple[Manifest, Image]] = []
        documents: dict[Digest, StoredDocument] = {}
        sizes: dict[Digest, int] = {}
        blobs: dict[Digest, Blob] = {}
        for result in results:
            image = result.image
            manifest, config = image.manifest, image.config_file
            manifests.append((manifest, image))
            documents[manifest.digest] = StoredDocument(manifest.media_type, manifest.raw)
            documents[config.digest] = StoredDocument(manifest.config.media_type, config.raw)
            sizes |= {layer.digest: layer.size for layer in manifest.layers}
            blobs |= {layer.digest: layer.blob for layer in image.layers}
        of_bases = {layer.digest for each in resolved if each.base is not None for layer in each.base.layers}
        with self._cache.writing():
            for digest, blob in blobs.items():
                if blob.file is None and digest not in of_bases:  # an environment's own layer, which is small
                    self._cache.blobs.add(blob)
        index = image_index(manifests)
        documents[index.digest] = StoredDocument(index.media_type, index.raw)
        self._remember(index.digest, blobs)
        members: list[Member] = []
        for each in resolved:
            members += [*each.environment.packages, *each.environment.wheels]
        return ServedImage(
            name=asked.name,
            tag=asked.tag,
            root=index.digest,
            documents=documents,
            sizes=sizes,
            lock=own_lock(resolved, {}, "", Path()),
            made=time.time(),
            packages=tuple(sorted({f"{member.name} {member.version}" for member in members})),
            notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
            source=source,
            missing=missing,
        )

    def _blobs_of(self, image: ServedImage) -> Blobs:
        """Return the layers of an image, by digests, each with what makes it again."""
        with self._lock:
            known = self._blobs.get(image.root)
        if known is not None:
            return known
        _log.info("making the layers of %s:%s known again", image.name, image.tag)
        from conda_docker.resolution.resolve import resolve

        made_for = tuple(platform for platform in self._configuration.platforms if str(platform) not in image.missing)
        request = Request(files=(self._file(image.lock),), platforms=made_for, options=self._options())
        results = [self._build(each, request.options) for each in resolve(request)]
        blobs = {layer.digest: layer.blob for result in results for layer in result.image.layers}
        self._remember(image.root, blobs)
        return blobs

    def _remember(self, root: Digest, blobs: Blobs) -> None:
        with self._lock:
            self._blobs[root] = blobs
            self._blobs.move_to_end(root)
            while len(self._blobs) > _REMEMBERED:
                self._blobs.popitem(last=False)


def channel_alias(channel: str) -> str:
    """Return what a channel is called in names of images: the last part of its URL.

    >>> channel_alias("https://conda.example.org/Team/")
    'team'
    """
    return channel.rstrip("/").rpartition("/")[2].lower()
