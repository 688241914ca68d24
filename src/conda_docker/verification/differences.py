"""What differs between two layers, path by path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from python_docker.errors import ContentMismatch, InvalidLayer
from python_docker.image.blob import Blob

if TYPE_CHECKING:
    from python_docker.image.layer import Layer
    from python_docker.tar import TarEntry

_READ_SIZE = 1 << 20


def differences(stored: Layer, anew: Layer) -> Iterator[str]:
    """Yield what is different in `stored` from `anew`, in the order of paths; nothing for the same files in any order.

    Both layers are read. A layer that cannot be read to its end differs by that.
    """
    there, problem = _members(_unchecked(stored))
    expected, _ = _members(anew)
    for path in sorted(there.keys() | expected.keys()):
        if path not in expected:
            yield f"{path}: not in any package"
        elif path not in there:
            # Of a damaged layer, nobody knows what came after the damage.
            if problem is None:
                yield f"{path}: missing"
        elif there[path] != expected[path]:
            fields = zip(_FIELDS, there[path], expected[path], strict=True)
            yield f"{path}: " + ", ".join(f"different {name}" for name, one, other in fields if one != other)
    if problem is not None:
        yield f"the layer is damaged: {problem}"


_FIELDS = ("type", "mode", "size", "time", "owner", "link target", "device", "attributes", "content", "number")
_Member = tuple[object, ...]


def _unchecked(layer: Layer) -> Layer:
    """Return a layer that can be read up to where it is damaged; a stored file would be refused as a whole."""
    file = layer.blob.file
    return layer if file is None else layer.with_blob(Blob.from_file(file.path, layer.descriptor))


def _members(layer: Layer) -> tuple[dict[str, _Member], str | None]:
    """Return what a layer has at each path, and what kept it from being read to its end."""
    found: dict[str, _Member] = {}
    try:
        for entry, content in layer.entries():
            digest = hashlib.sha256()
            while piece := content.read(_READ_SIZE):
                digest.update(piece)
            number = found[entry.path][-1] if entry.path in found else 0
            assert isinstance(number, int)
            found[entry.path] = (*_facts(entry), digest.digest(), number + 1)
    except (ContentMismatch, InvalidLayer) as error:
        return found, str(error)
    return found, None


def _facts(entry: TarEntry) -> _Member:
    owner, attributes = (entry.uid, entry.gid), sorted(entry.xattrs.items())
    return entry.type, entry.mode, entry.size, entry.mtime, owner, entry.link_target, entry.device, attributes
