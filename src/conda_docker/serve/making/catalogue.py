"""Catalogue: the images that were served, and the lock files that were posted, as notes in the cache.

All of them may be removed at any time: what is asked for again is made again. Any number of servers may use one cache.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypedDict

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.serve.errors import ManifestUnknown
from conda_docker.serve.making.served_image import ServedImage
from python_docker.errors import InvalidDigest
from python_docker.files.lock import locked
from python_docker.spec.digest import Digest

if TYPE_CHECKING:
    from conda_docker.serve.names import Asked

_IN_MEMORY = 64  # images
_PER_NAME = 50  # images that are known by their digests
_RECENT = 100  # images


class _Known(TypedDict):
    """The images of a name, oldest first, and what its tags mean, by the digests of their indexes."""

    tags: dict[str, str]
    images: list[str]


class Catalogue:
    """Knows images by their names and tags, and by their digests under those names.

    `settings` is a digest of what the server makes images by; those that it made by other settings are not known.
    """

    def __init__(self, cache: CacheFolder, settings: str) -> None:
        self._cache = cache
        self._settings = settings
        self._lock = threading.Lock()
        self._images: OrderedDict[str, ServedImage] = OrderedDict()
        self._recent: OrderedDict[Asked, ServedImage] = OrderedDict()

    def tagged(self, asked: Asked) -> ServedImage | None:
        """Return the image that a tag meant last."""
        root = self._read(asked)["tags"].get(asked.tag)
        return None if root is None else self._image(asked, root)

    def holding(self, asked: Asked, digest: Digest) -> ServedImage | None:
        """Return the newest image of a name that has a document or a blob of this digest."""
        known = self._read(asked)
        for root in dict.fromkeys([*reversed(known["images"]), *known["tags"].values()]):
            image = self._image(asked, root)
            if image is not None and (digest in image.documents or digest in image.sizes):
                return image
        return None

    def tags(self, asked: Asked) -> list[str]:
        """Return the tags of a name that have been asked for."""
        return sorted(self._read(asked)["tags"])

    def add(self, asked: Asked, image: ServedImage) -> None:
        """Remember an image as what its tag means.

        Raises `CacheError`, and `ManifestUnknown` for a day that meant another image before: what is pulled by a day is
        the same for ever, or nothing.
        """
        key, root = self._key(asked), str(image.root)
        note = self._cache.note(NoteKind.SERVED_NAMES, key)
        with self._cache.writing():
            note.parent.mkdir(parents=True, exist_ok=True)
            with locked(note.with_suffix(".lock")):  # other servers may use the same cache
                known = self._read(asked)
                before = known["tags"].get(asked.tag, root)
                if before != root and asked.day is not None and asked.environment is None:
                    raise ManifestUnknown(
                        f"{asked.name}:{asked.tag} was {before}, which this server no longer has, and would be {root} "
                        "now: its base image, or what the channels say of that day, has changed; use another day, or "
                        "latest"
                    )
                images = [*(other for other in known["images"] if other != root), root][-_PER_NAME:]
                self._cache.write_note(NoteKind.SERVED, self._key(asked, root), image.to_json())
                content = json.dumps({"tags": known["tags"] | {asked.tag: root}, "images": images}).encode()
                self._cache.write_note(NoteKind.SERVED_NAMES, key, content)
        with self._lock:
            self._keep(self._key(asked, root), image)

    def asked_for(self, asked: Asked, image: ServedImage) -> None:
        """Note that an image was asked for now."""
        with self._lock:
            self._recent[asked] = image
            self._recent.move_to_end(asked)
            while len(self._recent) > _RECENT:
                self._recent.popitem(last=False)

    def recent(self, channels: tuple[str, ...]) -> list[tuple[Asked, ServedImage]]:
        """Return what was asked for last by those who may use the same channels, the newest first."""
        with self._lock:
            return [item for item in reversed(self._recent.items()) if item[0].channels == channels]

    def add_lock(self, text: str, channels: tuple[str, ...]) -> str:
        """Keep a lock file for those who may use `channels`, and return its SHA-256. Raises `CacheError`."""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        self._cache.write_note(NoteKind.POSTED_LOCKS, _digest(sha256, *channels), text.encode())
        return sha256

    def lock(self, sha256: str, channels: tuple[str, ...]) -> str | None:
        """Return the text of a lock file that was posted; None for one that is not here."""
        content = self._cache.read_note(NoteKind.POSTED_LOCKS, _digest(sha256, *channels))
        return content.decode() if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None

    def _image(self, asked: Asked, root: str) -> ServedImage | None:
        key = self._key(asked, root)
        with self._lock:
            image = self._images.get(key)
            if image is not None:
                self._images.move_to_end(key)
                return image
        content = self._cache.read_note(NoteKind.SERVED, key)
        image = None if content is None else ServedImage.from_json(content)
        if image is not None:
            with self._lock:
                self._keep(key, image)
        return image

    def _keep(self, key: str, image: ServedImage) -> None:
        self._images[key] = image
        self._images.move_to_end(key)
        while len(self._images) > _IN_MEMORY:
            self._images.popitem(last=False)

    def _read(self, asked: Asked) -> _Known:
        content = self._cache.read_note(NoteKind.SERVED_NAMES, self._key(asked))
        try:
            value = json.loads(content or b"{}")
            return {"tags": dict(value["tags"]), "images": [str(Digest(root)) for root in value["images"]]}
        except (ValueError, KeyError, TypeError, InvalidDigest):
            return {"tags": {}, "images": []}

    def _key(self, asked: Asked, *more: str) -> str:
        return _digest(self._settings, asked.name, *asked.channels, *more)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
