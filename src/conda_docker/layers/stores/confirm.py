"""confirm: whether a layer that others have made is what the entry in their store says, before an image names it.

An image's manifest and config name the digest, the size and the diff ID of each layer. Those of a layer that was made
here are known. Those of an entry are claims, of which the digest is checked whenever the layer is read, and the rest
here:

    bytes are needed ──> fetched into the cache, and decompressed once: digest, size, diff ID
    they are not ──────> the store is asked for the size; the diff ID is compared if this machine has read the layer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.cache.folder import NoteKind
from python_docker.errors import ContentMismatch

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.stores import LayerStore
    from python_docker.image.layer import Layer

_READ_SIZE = 1 << 20


def confirm(layer: Layer, store: LayerStore, cache: CacheFolder, *, read: bool) -> None:
    """Check what the entry of `store` says of a layer: all of it where its bytes are to be `read`.

    Raises `ContentMismatch` where that is not so, and what the store raises when it cannot give the layer.
    """
    if read:
        layer.blob.open().close()  # which fetches it into the cache if need be
        check_diff_id(layer, cache)
        return
    store.confirm(layer)
    known = _noted(layer, cache)
    if known is not None:
        _compare(layer, known)


def check_diff_id(layer: Layer, cache: CacheFolder) -> None:
    """Check the diff ID of a layer by reading all of it, once for all builds that use the cache.

    Raises `ContentMismatch`.
    """
    known = _noted(layer, cache)
    if known is not None:
        _compare(layer, known)
        return
    with layer.open_uncompressed() as stream:
        while stream.read(_READ_SIZE):
            pass
    cache.remember(NoteKind.DIFF_IDS, layer.digest.encoded, layer.diff_id.encode())


def differences(entry: Layer, made: Layer) -> str:
    """Return in which of digest, diff ID and size an entry is another layer than was made; empty for none."""
    pairs = [
        ("the digest", entry.digest, made.digest),
        ("the diff ID", entry.diff_id, made.diff_id),
        ("the size in bytes", entry.size, made.size),
    ]
    return ", ".join(f"{what} {said} instead of {right}" for what, said, right in pairs if said != right)


def _noted(layer: Layer, cache: CacheFolder) -> str | None:
    note = cache.read_note(NoteKind.DIFF_IDS, layer.digest.encoded)
    return None if note is None else note.decode("utf-8", "replace")


def _compare(layer: Layer, known: str) -> None:
    if known != layer.diff_id:
        raise ContentMismatch(f"the tar of layer {layer.digest} has the digest {known} instead of {layer.diff_id}")
