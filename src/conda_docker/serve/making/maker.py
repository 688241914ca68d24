"""Maker: from what a name asks for to an image, and from its facts to its layers again; all of it blocks."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.errors import TookTooLong, Unsolvable
from conda_docker.image.assemble import build_image
from conda_docker.image.base.opening import one_base
from conda_docker.image.index import image_index
from conda_docker.image.plan import members_of
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.lock_files.own import own_lock
from conda_docker.resolution.resolve import Resolved, resolve
from conda_docker.serve.errors import BlobUnknown, Denied
from conda_docker.serve.making.served_image import ServedImage, StoredDocument
from python_docker.errors import RegistryError
from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.image.assemble import BuildResult
    from conda_docker.request import Request
    from conda_docker.serve.configuration import Limits
    from conda_docker.serve.making.catalogue import Catalogue
    from conda_docker.serve.making.requests import Requests
    from conda_docker.serve.names import Asked
    from python_docker.image.blob import Blob
    from python_docker.spec.platform import Platform

_REMEMBERED = 32
"""Images whose layers are remembered with what makes them, so that the next blob need not ask again."""
_log = logging.getLogger("conda_docker")

Blobs = Mapping[Digest, "Blob"]


def check_limits(resolved: Resolved, limits: Limits) -> None:
    """Raise `Denied` for an environment that is larger than the server allows."""
    members = members_of(resolved.environment)
    size = sum(member.size or 0 for member in members)
    if len(members) > limits.packages:
        raise Denied(f"the environment has {len(members)} packages, and this server allows {limits.packages}")
    if size > limits.package_bytes:
        raise Denied(
            f"the packages have {format_size(size)}, and this server allows {format_size(limits.package_bytes)}"
        )


class Maker:
    """Makes images within limits, in one cache. Safe for any number of threads."""

    def __init__(self, limits: Limits, cache: CacheFolder, catalogue: Catalogue, requests: Requests) -> None:
        self._limits = limits
        self._cache = cache
        self._catalogue = catalogue
        self._requests = requests
        self._blobs: OrderedDict[Digest, Blobs] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, asked: Asked) -> ServedImage:
        """Return the image that a name asks for, as it is now, and remember it.

        Layers that were made before are not made again, though their bytes may be gone. An image has those platforms
        for which its packages can be had; that there is none is an error. Raises `ServerError`s and what resolving and
        building raise.
        """
        request = self._requests.asked(asked)
        source = None
        if asked.environment is not None:
            source = hashlib.sha256(b"".join(path.read_bytes() for path in request.files)).hexdigest()
        resolved, missing = _resolve(request)
        for each in resolved:
            check_limits(each, self._limits)
        results = [_build(each, request.options) for each in resolved]
        blobs = _blobs_of(results)
        of_bases = {layer.digest for each in resolved if each.base is not None for layer in each.base.layers}
        with self._cache.writing():
            for digest, blob in blobs.items():
                if blob.file is None and digest not in of_bases:  # an environment's own layer, which is small
                    self._cache.blobs.add(blob)
        root, documents = _documents(results)
        image = ServedImage(
            name=asked.name,
            tag=asked.tag,
            root=root,
            documents=documents,
            sizes={layer.digest: layer.size for result in results for layer in result.image.manifest.layers},
            lock=own_lock(resolved, {}, "", Path()),
            made=time.time(),
            packages=tuple(
                sorted({f"{each.name} {each.version}" for one in resolved for each in members_of(one.environment)})
            ),
            notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
            source=source,
            missing=missing,
        )
        self._remember(root, blobs)
        self._catalogue.add(asked, image)
        return image

    def path_of(self, image: ServedImage, digest: Digest) -> Path:
        """Return the file of a layer of an image, which is made again if it is not in the cache.

        Raises `BlobUnknown` for what is none of its layers, and what building raises.
        """
        if digest not in image.sizes:
            raise BlobUnknown(f"{image.name} has no blob {digest}")
        blob = self._known_blobs(image).get(digest)
        if blob is None:
            raise BlobUnknown(f"{digest} cannot be made again: the server makes {image.name} in another way now")
        if blob.file is not None and blob.file.path.is_relative_to(self._cache.root):
            blob.file.open().close()  # which makes it again where it is gone, or damaged
            return blob.file.path
        with self._cache.writing():
            self._cache.blobs.add(blob)
        return self._cache.blobs.path_of(digest)

    def remembers(self, image: ServedImage) -> bool:
        """Return whether it is known what makes the layers of an image, with nobody asked."""
        with self._lock:
            return image.root in self._blobs

    def origin_of(self, image: ServedImage, digest: Digest) -> str | None:
        """Return the repository of a registry that a layer is in; None where none is known."""
        blob = self._known_blobs(image).get(digest)
        return None if blob is None else blob.origin

    def _known_blobs(self, image: ServedImage) -> Blobs:
        """Return the layers of an image, by digests, each with what makes it again."""
        with self._lock:
            known = self._blobs.get(image.root)
        if known is None:
            _log.info("making the layers of %s:%s known again", image.name, image.tag)
            request = self._requests.again(image)
            known = _blobs_of([_build(each, request.options) for each in resolve(request)])
            self._remember(image.root, known)
        return known

    def _remember(self, root: Digest, blobs: Blobs) -> None:
        with self._lock:
            self._blobs[root] = blobs
            self._blobs.move_to_end(root)
            while len(self._blobs) > _REMEMBERED:
                self._blobs.popitem(last=False)


def _resolve(request: Request) -> tuple[list[Resolved], dict[str, str]]:
    """Return the environment for each platform that it can be had for, and why it cannot for the others."""

    def attempt(platform: Platform) -> Resolved | Unsolvable:
        try:
            return resolve(replace(request, platforms=(platform,)))[0]
        except TookTooLong:
            raise  # the next request may find packages for this platform
        except Unsolvable as error:
            return error

    with one_base(), ThreadPoolExecutor(len(request.platforms), thread_name_prefix="solve") as pool:
        futures = {platform: pool.submit(copy_context().run, attempt, platform) for platform in request.platforms}
        answers = {platform: future.result() for platform, future in futures.items()}
    resolved = [answer for answer in answers.values() if not isinstance(answer, Unsolvable)]
    refused = {str(platform): answer for platform, answer in answers.items() if isinstance(answer, Unsolvable)}
    if not resolved:
        raise next(iter(refused.values()))
    return resolved, {platform: str(error) for platform, error in refused.items()}


def _build(resolved: Resolved, options: BuildOptions) -> BuildResult:
    """Return an image of known layers, and those that are new; a layer repository that cannot be written costs none."""

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


def _blobs_of(results: Sequence[BuildResult]) -> Blobs:
    return {layer.digest: layer.blob for result in results for layer in result.image.layers}


def _documents(results: Sequence[BuildResult]) -> tuple[Digest, dict[Digest, StoredDocument]]:
    """Return the digest of the index over some images, and all that is not a layer by its digest."""
    documents: dict[Digest, StoredDocument] = {}
    for manifest, config in ((result.image.manifest, result.image.config_file) for result in results):
        documents[manifest.digest] = StoredDocument(manifest.media_type, manifest.raw)
        documents[config.digest] = StoredDocument(manifest.config.media_type, config.raw)
    index = image_index([(result.image.manifest, result.image) for result in results])
    documents[index.digest] = StoredDocument(index.media_type, index.raw)
    return index.digest, documents
