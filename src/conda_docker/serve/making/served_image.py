"""ServedImage: what was made for a name, as facts: its documents, and what makes its layers again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from python_docker.spec.digest import Digest


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A manifest, an index or a config as it is sent: its media type and its bytes."""

    media_type: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedImage:
    """An image for each of some platforms, under one index.

    `documents` are the index, the manifests and the configs by their digests, `sizes` the bytes of all blobs. `lock` is
    the text of a lock file that makes the same image again. `made` is in seconds since 1970. `source` is the digest of
    the file that it was made from, for an environment of the server. `missing` says for which platforms there is no
    such image, and why.
    """

    name: str
    tag: str
    root: Digest
    documents: Mapping[Digest, StoredDocument]
    sizes: Mapping[Digest, int]
    lock: str
    made: float
    packages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all its blobs, each counted once."""
        return sum(self.sizes.values())

    def to_json(self) -> bytes:
        """Return it as it is kept in the cache."""
        value: dict[str, Any] = {
            "name": self.name,
            "tag": self.tag,
            "root": str(self.root),
            "documents": {str(key): [each.media_type, each.raw.decode()] for key, each in self.documents.items()},
            "sizes": {str(key): size for key, size in self.sizes.items()},
            "lock": self.lock,
            "made": self.made,
            "packages": self.packages,
            "notes": self.notes,
            "source": self.source,
            "missing": dict(self.missing),
        }
        return json.dumps(value, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> ServedImage | None:
        """Return what was kept; None for what is damaged, or is not what its digests say."""
        try:
            value = json.loads(content)
            documents = {
                Digest(key): StoredDocument(str(kind), raw.encode()) for key, (kind, raw) in value["documents"].items()
            }
            image = cls(
                name=str(value["name"]),
                tag=str(value["tag"]),
                root=Digest(value["root"]),
                documents=documents,
                sizes={Digest(key): int(size) for key, size in value["sizes"].items()},
                lock=str(value["lock"]),
                made=float(value["made"]),
                packages=tuple(map(str, value["packages"])),
                notes=tuple(map(str, value["notes"])),
                source=None if value["source"] is None else str(value["source"]),
                missing={str(key): str(text) for key, text in value["missing"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        right = all(Digest.of(document.raw) == digest for digest, document in documents.items())
        return image if right and image.root in documents else None
